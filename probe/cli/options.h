/* options: those that several commands share, as argp children; each command gives the struct. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>

#include "sshwhy/joint.h"
#include "sshwhy/report.h"
#include "user/typed.h"

/* What fills in the commands that are printed; input: struct report_options. */
extern const struct argp values_argp;

/* ssh's own options, as ssh takes them; input: struct typed. */
extern const struct argp ssh_argp;

#define PORTS_MAX 16

/* Which conversations of a capture are told, and where it was taken. */
struct traffic_arguments {
	uint16_t ports[PORTS_MAX];
	size_t port_count;
	const char *only;			   /* NULL: all */
	enum vantage vantages[JOINT_CAPTURES_MAX]; /* of one for all, or one a capture */
	unsigned vantage_count, vantages_most;	   /* the command sets the latter */
};
extern const struct argp traffic_argp; /* input: struct traffic_arguments */

#endif
