/* flows: how many new flows the SSH port has seen of this run, and which may still be begun.
 *
 * The probe must not be what keeps its user out. Firewalls of Linux count new flows: `ufw limit`
 * (iptables' "recent") refuses an address the sixth within 30 s, and renews the ban with each that
 * it refuses. So no more than FLOWS_MAX are begun in FLOWS_TIME, whoever of the plan wants one:
 * every SYN to the SSH port, crafted or the kernel's, passes flows_departure() before it leaves,
 * and nothing else knows of the limit.
 *
 * What connection tracking takes for a new flow, and so what is counted:
 * - Where SYNs are answered with SYN-ACK, a local port. Further SYNs on it belong to the flow, with
 *   whatever TTL and number. So sweeps to a port that answers keep to one local port.
 * - Where they are refused, each SYN that arrives: a refused flow is forgotten at once.
 * - What has expired on the way, or is refused by a router there, has not arrived. A SYN that may
 *   arrive where SYNs are refused waits for the fate of the one before.
 * - Where nothing at all has been answered in time, silence is what is to be proven. A limit that
 * is not yet used up lets SYNs pass at first, and one that is has no more to lose: nothing is
 * counted until something answers. Then all that was sent is.
 *
 * What may not leave is left out (and told: plan_withheld()).
 */
#ifndef PLAN_FLOWS_H
#define PLAN_FLOWS_H

#include "plan/state.h"

#define FLOWS_NEVER INT64_MAX

/* When a due action may leave: now, later, or FLOWS_NEVER. */
int64_t flows_departure(const struct plan *plan, int64_t now_ns, const struct action *action);

/* Whether a flow more may be begun. */
bool flows_are_left(const struct plan *plan, int64_t now_ns);

/* Whether the SSH port has answered a SYN of ours with SYN-ACK. */
bool flows_are_accepted(const struct plan *plan);

#endif
