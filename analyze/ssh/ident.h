/* ident: the identification string, and the lines a server may send before it; read by dialog.c and
 * the observation. */
#ifndef SSHWHY_SSH_IDENT_H
#define SSHWHY_SSH_IDENT_H

#include "sshwhy/cursor.h"
#include "sshwhy/ssh.h"

/* Reads complete lines from `rest` up to and including the identification
 * string; what is left of `rest` was not used. */
void ident_read(struct ssh_side *side, enum ssh_peer peer, struct cursor *rest);

/* Whether binary packets of SSH 2 follow the identification string. */
bool ident_is_version_2(const char *ident);

#endif
