/* drive: runs plans over real sockets; called by `sshwhy probe`, which reports the runs that it
 * fills.
 *
 * Everything that needs privilege is opened for every address first; then privilege
 * is dropped for good; then the first byte from the network is read. All addresses of
 * a name are probed side by side.
 */
#ifndef PROBE_DRIVE_H
#define PROBE_DRIVE_H

#include "sshwhy/run.h"
#include "user/typed.h"

#define DRIVE_ADDRESSES 4

struct drive_options {
	const struct typed *typed; /* what ssh makes of it is what is probed */
	const char *interface;	   /* NULL: the route's */
	enum vantage vantage;
	bool deployment_given; /* else the host's name tells it */
	enum deployment deployment;
	enum path_kind path;
	uint16_t control_ports[5];
	size_t control_count;
	const char *reference; /* another SSH host, on the client's own network; NULL none */
	uint16_t reference_port;
	bool deep;	    /* the heavier tests too */
	bool no_names;	    /* name servers are not asked what routers are called */
	int64_t timeout_ns; /* for the whole */
	bool authenticate;
	const char *host_key;	 /* "SHA256:...", the key the server should have; NULL unknown */
	const char *known_hosts; /* instead of the files of ssh's configuration; NULL none */
	/* Told whenever the first run may have more than before. `begun`: privilege is dropped,
	 * and nothing keeps the probe from going on. */
	void (*grew)(void *context, const struct run *run, bool begun);
	void *context;
};

/* Fills runs[0 .. *count); runs[0] is the one the verdict is about: the first healthy
 * address, else the first of all; one that was cut short by it is `unfinished`. Each is the
 * caller's to free, on failure too. False with EXIT_NOT_PERMITTED, EXIT_UNAVAILABLE, EXIT_USAGE
 * (ssh does not take what was typed): nothing could be probed. `signals`: a signalfd; readable, it
 * ends the run early. */
bool drive(const struct drive_options *options, int signals, struct run runs[DRIVE_ADDRESSES],
	   size_t *count, struct error *error);

#endif
