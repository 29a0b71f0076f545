/* shortage: which errors are this machine's own trouble, and say nothing of the network; asked by
 * the driver, which tells them as limits, and by the observation, which takes none for evidence. */
#ifndef SSHWHY_SHORTAGE_H
#define SSHWHY_SHORTAGE_H

#include <stdbool.h>

/* Who gave the error. */
enum asked {
	ASKED_CONNECT, /* connect(), SO_ERROR: an errno */
	ASKED_SEND,    /* sendto(): an errno */
	ASKED_RECEIVE, /* recv() of a connection: an errno */
	ASKED_ROUTE,   /* the kernel's lookup of a route: an errno */
	ASKED_NAME,    /* getaddrinfo(): EAI_* */
	ASKED_FILE,    /* open() of one: an errno */
};

/* What the driver tells where the kernel does not say how a connect() ended: no connect() gives
 * it. */
#define ERROR_UNTOLD EIO

/* The process or the machine ran out of something, or may not do what was asked; no network
 * and no firewall says this by that call. */
bool is_shortage(enum asked asked, int error);

#endif
