/* netlink: one question to the kernel, one answer; route.c and neighbour.c ask, nobody else.
 *
 * The socket is opened before privilege is dropped: afterwards no socket is made any more. */
#ifndef PROBE_ROUTE_NETLINK_H
#define PROBE_ROUTE_NETLINK_H

#include <libmnl/libmnl.h>

#include "sshwhy/address.h"
#include "sshwhy/error.h"

struct netlink {
	int fd; /* -1: closed */
	uint32_t sequence;
};

bool netlink_open(struct netlink *netlink, struct error *error);
void netlink_close(struct netlink *netlink); /* also one that failed to open; again is harmless */

/* Built by netlink_begin() and mnl_attr_put*(): the callers' handful of addresses and numbers
 * fills a third of it. */
union netlink_request {
	struct nlmsghdr header;
	char bytes[256];
};

/* Starts a request of `type` (RTM_GETROUTE, ...) with its fixed body. */
void netlink_begin(union netlink_request *request, uint16_t type, uint16_t flags, const void *body,
		   size_t length);
void netlink_put_address(union netlink_request *request, uint16_t type,
			 const struct address *address);

/* Asks and waits for the answer, which `take` (NULL: none is wanted) gets with `context`; it
 * returns MNL_CB_OK. False when there is no answer that can be read; an error that the kernel
 * answers with is in *refusal, else 0, and no failure. */
bool netlink_ask(struct netlink *netlink, union netlink_request *request, mnl_cb_t take,
		 void *context, int *refusal, struct error *error);

/* A message's fixed body; NULL and EBADMSG when it has fewer bytes. */
const void *netlink_body(const struct nlmsghdr *message, size_t length);

/* Copies a value of `length` bytes; leaves `out` alone when the attribute has fewer. */
void netlink_value(const struct nlattr *attribute, void *out, size_t length);

#endif
