/* breaks: what a network of the model can be broken with.
 *
 * Made by breaks.c and the files of each place (break_client.c, break_edge.c, break_cloud.c); used
 * by faults.c, which draws one of variants.def. Each function breaks `s` in one way.
 */
#ifndef SIM_BREAKS_H
#define SIM_BREAKS_H

#include "model.h"

/* The parameter of some: the ICMP code that a filter says, where a device looks (a router at the
 * TTL first, a firewall in front of it not), which
 * way a hole is, and what ssh makes of the modes of its files. */
enum { PROHIBITED = 13, PORT_UNREACHABLE = 3 };
enum { AFTER_TTL, BEFORE_TTL };
enum { ONE_WAY, BOTH_WAYS, REPLY_ALONE };
enum { MODES_REFUSED, MODES_FATAL };

#define VARIANT(cause, weight, words, apply, how, allowed)                                         \
	void apply(struct scenario *s, struct dice *dice, int how_);
#include "variants.def"

/* -- tools ------------------------------------------------------------------------------ */

struct filter *add_filter(struct scenario *s, uint8_t node, enum filter_match match,
			  enum filter_act act);
/* First of all: what the fault does comes before what stood there. */
struct filter *put_filter(struct scenario *s, uint8_t node, enum filter_match match,
			  enum filter_act act);
uint8_t edge_node(const struct scenario *s);
uint8_t vm_node(const struct scenario *s);
/* What no variant names: drawn, but in the lab all is plain. */
bool perhaps(const struct scenario *s, struct dice *dice, double probability);
/* Beyond the organisation, before the cloud; on every way there is. */
uint8_t transit_node(const struct scenario *s, struct dice *dice);
/* The load balancer: the last hop before the VM. */
uint8_t balancer_node(const struct scenario *s);
struct door *ssh_door(struct scenario *s);
void serve(struct scenario *s, enum service service, int64_t pause_ns);
/* Filters say "prohibited" in one of three ways. */
uint8_t code_of(const struct scenario *s, struct dice *dice, int how);
uint8_t some_initial(const struct scenario *s, struct dice *dice);

#endif
