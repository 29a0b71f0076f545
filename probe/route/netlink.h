/* netlink: one question to the kernel's rtnetlink, one answer. */
#ifndef PROBE_ROUTE_NETLINK_H
#define PROBE_ROUTE_NETLINK_H

#include <stdalign.h>

#include "sshwhy/cursor.h"
#include "sshwhy/error.h"

struct netlink_request {
	alignas(8) uint8_t bytes[256];
	size_t length;
};

struct netlink_reply {
	int error;	    /* errno of an NLMSG_ERROR, 0 for any other answer */
	struct cursor body; /* behind the netlink header; borrows from `bytes` */
	alignas(8) uint8_t bytes[8192];
};

/* Starts a request of `type` (RTM_GETROUTE, ...) with its fixed body. */
void netlink_begin(struct netlink_request *request, uint16_t type, const void *body, size_t length);
void netlink_attribute(struct netlink_request *request, uint16_t type, const void *value,
		       size_t length);

/* Asks and waits for the answer. False when there is none that can be read; an
 * error that the kernel answers with is in reply->error and no failure. */
bool netlink_ask(const struct netlink_request *request, struct netlink_reply *reply,
		 struct error *error);

/* Takes the next attribute off `from`; false at the end (or at damage: from->failed). */
bool netlink_next(struct cursor *from, uint16_t *type, struct cursor *value);

/* A fixed-size value, zeroes when the cursor holds fewer bytes. */
void netlink_value(struct cursor value, void *out, size_t length);

#endif
