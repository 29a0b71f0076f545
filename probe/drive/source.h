/* source: the address of this machine that ssh binds its connection to, where its configuration
 * says so; found by a session when it opens. */
#ifndef DRIVE_SOURCE_H
#define DRIVE_SOURCE_H

#include "sshwhy/address.h"
#include "user/settings.h"

enum source_state {
	SOURCE_FREE,  /* the kernel chooses */
	SOURCE_BOUND, /* `source` is it */
	SOURCE_GONE,  /* there is none such here: ssh's bind() fails */
};

/* For connections to addresses of that family. ssh looks names of a BindAddress up, which is not
 * done here: SOURCE_FREE. */
enum source_state source_find(const struct settings *settings, uint8_t family,
			      struct address *source);

#endif
