#include "plan/licence.h"

#include "plan/elsewhere.h"
#include "plan/pace.h"

/* -- how much ------------------------------------------------------------------------ */

/* The longest plan there is, file by file; each segment may draw a SYN-ACK, and that a reset. */
enum {
	OF_A_PASS = 3 + 2 * SWEEP_TTL + 4 + PATHS_MAX + CANDIDATES,
	OF_CONTROLS = PATHS_MAX * SWEEP_TTL,
	OF_WORDS = REPETITIONS + UNCLEAR_PASSES * 2 * PATH_TTL_MAX,
	OF_HEAVY = 2 * (FRAGMENT_PAIRS + 2 * FLAGS_TRIES) + SWEEP_TTL,
	SEGMENTS_MAX = 2 * (SWEEP_PASSES * OF_A_PASS + OF_CONTROLS + OF_WORDS + OF_HEAVY),
};

/* -- where ---------------------------------------------------------------------------- */

static void add_port(struct licence_ports *ports, uint16_t port)
{
	if (ports->count < LICENCE_PORTS && port != 0)
		ports->port[ports->count++] = port;
}

static bool ports_hold(const struct licence_ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->port[i] == port)
			return true;
	return false;
}

void licence_grant(struct licence *licence, const struct plan_config *config, uint16_t port)
{
	*licence = (struct licence){
		.kernel_ports = config->kernel_ports,
		.crafted_ports = config->crafted_ports,
		.reference = config->reference,
		.full_ttl = config->full_ttl,
		.tos = config->tos,
		.deep = config->deep,
		.segments_left = SEGMENTS_MAX,
	};
	add_port(&licence->segments, port);
	add_port(&licence->connections, port);
	for (unsigned i = 0; elsewhere_usual(i) != 0; i++) {
		add_port(&licence->segments, elsewhere_usual(i));
		add_port(&licence->connections, elsewhere_usual(i));
	}
	for (size_t i = 0; i < config->control_count; i++)
		add_port(&licence->segments, config->control_ports[i]);
}

void licence_add_listener(struct licence *licence, uint16_t port)
{
	add_port(&licence->connections, port);
}

/* -- segments ------------------------------------------------------------------------- */

static bool is_within(uint16_t port, uint16_t first, unsigned count)
{
	return port >= first && port < first + count;
}

/* To the SSH port as ssh marks its packets, or not at all. */
static bool is_marked_well(const struct licence *licence, const struct action *action)
{
	bool ssh = action->remote_port == licence->segments.port[0];
	return action->tos == 0 || (ssh && action->tos == licence->tos);
}

static bool is_sound(const struct licence *licence, const struct action *action)
{
	return action->ttl >= 1 && action->ttl <= licence->full_ttl && action->ip_id != 0 &&
	       is_marked_well(licence, action) && action->window == CLIENT_WINDOW &&
	       action->payload_length <= PLAN_PAYLOAD_MAX;
}

/* From the crafted ports come SYNs, resets of what they opened, and the heavier tests. */
static bool is_crafted(const struct licence *licence, const struct action *action)
{
	if (!is_within(action->local_port, licence->crafted_ports, PLAN_CRAFTED_PORTS) ||
	    !ports_hold(&licence->segments, action->remote_port) || action->payload_length != 0)
		return false;
	bool heavy = action->fragment || action->plain || action->flags == TCP_ACK;
	bool ecn = action->flags == TCP_SYN_ECN && action->remote_port == licence->segments.port[0];
	bool syn = action->flags == TCP_SYN || ecn;
	if (action->way == WAY_RAW)
		return syn && !heavy;
	if (action->fragment || action->plain)
		return syn && licence->deep;
	return syn || action->flags == TCP_RST || (heavy && licence->deep);
}

/* From a port of the kernel's that leads to the SSH port come copies of what was said on its
 * connection. */
static bool is_copy(const struct licence *licence, const struct action *action)
{
	unsigned index = action->local_port - (unsigned)licence->kernel_ports;
	return index < PLAN_KERNEL_PORTS && (licence->conversing & 1u << index) != 0 &&
	       action->remote_port == licence->segments.port[0] &&
	       action->flags == (TCP_ACK | TCP_PSH) && !action->fragment && !action->plain;
}

static bool covers_segment(struct licence *licence, const struct action *action)
{
	bool known_way = action->way == WAY_RAW || action->way == WAY_LINK;
	if (licence->segments_left == 0 || !known_way || !is_sound(licence, action))
		return false;
	if (!is_crafted(licence, action) && !(action->way == WAY_LINK && is_copy(licence, action)))
		return false;
	licence->segments_left--;
	return true;
}

/* -- connections ---------------------------------------------------------------------- */

static bool leads_right(const struct licence *licence, const struct action *action, unsigned index)
{
	bool reference = index == PLAN_KERNEL_PORTS - 1;
	if (action->to_reference != reference)
		return false;
	return reference ? licence->reference != 0 && action->remote_port == licence->reference
			 : ports_hold(&licence->connections, action->remote_port);
}

static bool covers_connection(struct licence *licence, const struct action *action)
{
	if (!is_within(action->local_port, licence->kernel_ports, PLAN_KERNEL_PORTS) ||
	    (action->segment_max != 0 && action->segment_max != SMALL_SEGMENT))
		return false;
	unsigned index = action->local_port - (unsigned)licence->kernel_ports;
	if ((licence->connected & 1u << index) != 0 || !leads_right(licence, action, index))
		return false;
	licence->connected |= 1u << index;
	if (!action->to_reference && action->remote_port == licence->segments.port[0])
		licence->conversing |= 1u << index;
	return true;
}

bool licence_covers(struct licence *licence, const struct action *action)
{
	switch (action->kind) {
	case ACTION_SEND:
		return covers_segment(licence, action);
	case ACTION_CONNECT:
		return covers_connection(licence, action);
	default:
		return false;
	}
}
