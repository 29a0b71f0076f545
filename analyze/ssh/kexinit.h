/* kexinit: SSH_MSG_KEXINIT (RFC 4253 7.1), read for dialog.c. */
#ifndef SSHWHY_SSH_KEXINIT_H
#define SSHWHY_SSH_KEXINIT_H

#include "sshwhy/cursor.h"
#include "sshwhy/ssh.h"

/* Reads the payload behind the message number. False when it is impossible. */
bool kexinit_read(struct ssh_side *side, struct cursor payload);

#endif
