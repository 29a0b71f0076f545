/* privilege: what this process may; the commands check it, and drop it when all is open. */
#ifndef PROBE_USER_PRIVILEGE_H
#define PROBE_USER_PRIVILEGE_H

#include "sshwhy/error.h"
#include "user/person.h"

/* True when the process may capture (CAP_NET_RAW), and drop that afterwards; else error
 * EXIT_NOT_PERMITTED that says which capability is missing, and how it is granted. */
bool privilege_check(struct error *error);
bool privilege_net_admin(void);

/* Drops every capability and every uid/gid for good (to `person` when it called
 * sudo, else to nobody), sets no_new_privs, and checks that nothing can be had back. */
bool privilege_drop(const struct person *person, struct error *error);

/* Drops every capability for good and stays who it is, root too: whose files are root's alone is
 * still read, and nothing else may be done that others may not. */
bool privilege_shed(void);
/* The same, but for one that it may hold. */
bool privilege_shed_but(unsigned capability);

/* Drops for good all but these of the capabilities that the process holds; root becomes nobody.
 * False: it could not be done. */
bool privilege_keep(const struct nobody *nobody, const unsigned *capabilities, size_t count);

#endif
