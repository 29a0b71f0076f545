/* cause: what can be wrong, and which of the guide's five sources that is, from causes.def. Set by
 * what reasons, read by all that tell of it. */
#ifndef SSHWHY_CAUSE_H
#define SSHWHY_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

enum cause {
#define CAUSE(id, name, source, title) CAUSE_##id,
#include "sshwhy/causes.def"
	CAUSES
};

/* 0: none, 1 to 5: the guide's */
#define SOURCES 6

const char *cause_name(enum cause cause);  /* "vm.sshd-down" */
const char *cause_title(enum cause cause); /* "nothing listens on the SSH port" */
uint8_t cause_source(enum cause cause);	   /* 0..5 */
bool cause_by_name(const char *name, enum cause *cause);

/* "client", "edge", "endpoint", "nsg", "vm"; "none" for 0. */
const char *source_name(uint8_t source);
/* The guide's words: "SSH client computer", "Organization edge device", ... */
const char *source_title(uint8_t source);

#endif
