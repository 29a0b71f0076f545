/* The way between client and VM: lines that lose and delay, nodes that filter and report. */
#include "model.h"

#define HEADERS	    52 /* IPv4 and TCP with timestamps */
#define HEADERS6    72
#define COPY_BEHIND US(40) /* of what a line copies */

/* -- which way -------------------------------------------------------------------------- */

unsigned wire_trail(struct model *model, uint16_t client_port, uint16_t server_port)
{
	switch (model->scenario->ecmp) {
	case ECMP_FLOW: {
		uint64_t flow = (uint64_t)client_port << 16 | server_port;
		struct dice dice = dice_for(model->scenario->seed, flow);
		return dice_below(&dice, 2);
	}
	case ECMP_PACKET:
		return dice_below(&model->dice, 2);
	default:
		return 0;
	}
}

/* What the bad line makes of a packet: how many leave it, and when. */
struct crossing {
	unsigned copies;
	int64_t time_ns[2];
};

static int64_t travel_time(struct model *model)
{
	const struct weather *weather = &model->scenario->weather;
	bool overtakes = dice_chance(&model->dice, weather->overtake);
	int64_t jitter =
		weather->jitter_ns > 0 ? dice_between(&model->dice, 0, weather->jitter_ns) : 0;
	if (weather->line_ns == 0)
		return jitter + (overtakes ? weather->overtaken_ns : 0);
	return overtakes ? 0 : weather->line_ns + jitter;
}

static struct crossing cross(struct model *model, unsigned position, double loss, int64_t time_ns)
{
	const struct weather *weather = &model->scenario->weather;
	struct crossing crossing = { .copies = 1, .time_ns = { time_ns, time_ns + COPY_BEHIND } };
	if (position != weather->lossy)
		return crossing;
	if (dice_chance(&model->dice, loss)) {
		crossing.copies = 0;
		return crossing;
	}
	crossing.copies += dice_chance(&model->dice, weather->duplicate);
	for (unsigned i = 0; i < crossing.copies; i++)
		crossing.time_ns[i] += travel_time(model);
	return crossing;
}

/* -- filters ---------------------------------------------------------------------------- */

static bool lists(const struct filter *filter, uint16_t port)
{
	for (unsigned i = 0; i < filter->port_count; i++)
		if (filter->port[i] == port)
			return true;
	return false;
}

static bool is_ident(const struct segment *segment)
{
	return segment->length > 0 &&
	       (segment->message == SAYS_CLIENT_IDENT || segment->message == SAYS_SERVER_IDENT);
}

/* The client's TCP has agreed on small segments, both ways. */
static bool is_small(const struct model *model, const struct segment *segment)
{
	for (unsigned i = 0; i < PLAN_KERNEL_PORTS; i++)
		if (segment->client_port == model->first_port + i)
			return model->socket[i].small;
	return false;
}

static bool matches(const struct model *model, const struct filter *filter,
		    const struct segment *segment)
{
	bool icmp = segment->icmp_type != 0;
	unsigned headers = model->scenario->target.family == 6 ? HEADERS6 : HEADERS;
	switch (filter->match) {
	case MATCH_PORTS:
		return !icmp && lists(filter, segment->server_port);
	case MATCH_OTHERS:
		return !icmp && !lists(filter, segment->server_port);
	case MATCH_IDENT:
		return !icmp && is_ident(segment) && lists(filter, segment->server_port);
	case MATCH_DSCP:
		return !icmp && segment->tos != 0 && lists(filter, segment->server_port);
	case MATCH_ECN:
		return !icmp && (segment->flags & TCP_SYN_ECN) == TCP_SYN_ECN &&
		       lists(filter, segment->server_port);
	case MATCH_LARGE:
		return !icmp && segment->length + headers > filter->size &&
		       !is_small(model, segment);
	case MATCH_ICMP:
		return icmp;
	}
	return false;
}

/* As Linux's connection tracking sees it: what belongs to a flow that was let in is not new. */
static bool is_spared(struct model *model, const struct filter *filter,
		      const struct segment *segment)
{
	if (filter->limit == LIMIT_NONE)
		return false;
	bool *admitted =
		&model->admitted[(segment->client_port - model->first_port) % CLIENT_PORTS];
	bool of_a_flow = filter->limit == LIMIT_FLOWS && *admitted;
	if (!of_a_flow && model->spared >= filter->spared)
		return false;
	model->spared += !of_a_flow;
	*admitted = true;
	return true;
}

static void happens_at_node(struct model *model, int64_t time_ns, unsigned trail, unsigned position,
			    int filter, const struct segment *segment)
{
	queue_add(model, &(struct happening){ .time_ns = time_ns,
					      .kind = HAPPENS_AT_NODE,
					      .trail = (uint8_t)trail,
					      .position = (uint8_t)position,
					      .filter = (int16_t)filter,
					      .segment = *segment });
}

/* Whether a filter of this node takes the segment away. */
static bool filtered(struct model *model, int64_t time_ns, unsigned trail, unsigned position,
		     bool before_ttl, const struct segment *segment)
{
	const struct scenario *scenario = model->scenario;
	uint8_t node = scenario->trail[trail].node[position];
	bool last = position == scenario->trail[trail].length;
	for (unsigned i = 0; i < scenario->filter_count; i++) {
		const struct filter *filter = &scenario->filter[i];
		if (filter->node != node || filter->back ||
		    (filter->before_ttl || last) != before_ttl ||
		    !matches(model, filter, segment) || is_spared(model, filter, segment))
			continue;
		if (filter->act != ACT_DROP)
			happens_at_node(model, time_ns, trail, position, (int)i, segment);
		if (!filter->passes)
			return true;
	}
	return false;
}

/* -- out -------------------------------------------------------------------------------- */

struct walk {
	unsigned trail, position;
	int64_t time_ns;
};

static void line_out(struct model *model, const struct segment *segment, struct walk walk);

static void node_out(struct model *model, const struct segment *segment, struct walk walk)
{
	uint8_t length = model->scenario->trail[walk.trail].length;
	bool kept = segment->fragment && walk.position == model->scenario->keeps_fragments;
	if (kept || filtered(model, walk.time_ns, walk.trail, walk.position, true, segment))
		return;
	if (walk.position == length)
		queue_add(model, &(struct happening){ .time_ns = walk.time_ns,
						      .kind = HAPPENS_AT_HOST,
						      .index = 0,
						      .trail = (uint8_t)walk.trail,
						      .position = length,
						      .segment = *segment });
	else if (segment->ttl <= walk.position)
		happens_at_node(model, walk.time_ns, walk.trail, walk.position, -1, segment);
	else if (!filtered(model, walk.time_ns, walk.trail, walk.position, false, segment))
		line_out(model, segment, walk);
}

/* To the next node; what the line copies goes on by itself. */
static void line_out(struct model *model, const struct segment *segment, struct walk walk)
{
	const struct scenario *scenario = model->scenario;
	const struct node *next =
		&scenario->node[scenario->trail[walk.trail].node[++walk.position]];
	struct crossing crossing = cross(model, walk.position, scenario->weather.loss_out,
					 walk.time_ns + next->delay_ns);
	for (unsigned i = 0; i < crossing.copies; i++) {
		walk.time_ns = crossing.time_ns[i];
		node_out(model, segment, walk);
	}
}

void wire_out(struct model *model, const struct segment *segment)
{
	unsigned trail = wire_trail(model, segment->client_port, segment->server_port);
	line_out(model, segment, (struct walk){ .trail = trail, .time_ns = model->now_ns });
}

/* -- back ------------------------------------------------------------------------------- */

static void reset_server(struct model *model, const struct segment *segment)
{
	host_reset(model, segment->client_port);
}

/* A filter on the way back. True: the segment goes no further. */
static bool filtered_back(struct model *model, int64_t time_ns, unsigned trail, unsigned position,
			  const struct segment *segment)
{
	const struct scenario *scenario = model->scenario;
	uint8_t node = scenario->trail[trail].node[position];
	for (unsigned i = 0; i < scenario->filter_count; i++) {
		const struct filter *filter = &scenario->filter[i];
		if (filter->node != node || !filter->back || !matches(model, filter, segment))
			continue;
		if (filter->act == ACT_RESET || filter->act == ACT_RESET_BOTH)
			reset_server(model, segment);
		if (filter->act == ACT_RESET_BOTH)
			happens_at_node(model, time_ns, trail, position, (int)i, segment);
		if (!filter->passes)
			return true;
	}
	return false;
}

static void arrive(struct model *model, struct segment segment, unsigned from, int64_t time_ns)
{
	const struct weather *weather = &model->scenario->weather;
	unsigned hops = from - 1;
	if (weather->asymmetry != 0 && from >= weather->asymmetric_from)
		hops += weather->asymmetry;
	uint8_t *ttl = segment.icmp_type != 0 ? &segment.ttl_of_icmp : &segment.ttl;
	*ttl = (uint8_t)(*ttl > hops ? *ttl - hops : 1);
	if (segment.icmp_type != 0 && weather->quotes_rewritten && from > weather->nat)
		segment.quoted_port = (uint16_t)(segment.client_port ^ 0x4000);
	queue_add(model, &(struct happening){ .time_ns = time_ns,
					      .kind = HAPPENS_AT_CLIENT,
					      .segment = segment });
}

/* Down the line from where it is, and on through the next node's filters. */
static void line_back(struct model *model, const struct segment *segment, unsigned from,
		      struct walk walk)
{
	const struct scenario *scenario = model->scenario;
	const struct node *node = &scenario->node[scenario->trail[walk.trail].node[walk.position]];
	struct crossing crossing = cross(model, walk.position, scenario->weather.loss_back,
					 walk.time_ns + node->delay_ns);
	walk.position--;
	for (unsigned i = 0; i < crossing.copies; i++) {
		walk.time_ns = crossing.time_ns[i];
		if (walk.position == 0)
			arrive(model, *segment, from, walk.time_ns);
		else if (!filtered_back(model, walk.time_ns, walk.trail, walk.position, segment))
			line_back(model, segment, from, walk);
	}
}

void wire_back(struct model *model, unsigned trail, unsigned position,
	       const struct segment *segment)
{
	struct walk walk = { trail, position, model->now_ns };
	/* What a host says passes its own filters; what a router reports does not. */
	if (position == model->scenario->trail[trail].length &&
	    filtered_back(model, model->now_ns, trail, position, segment))
		return;
	line_back(model, segment, position, walk);
}

/* -- what nodes say --------------------------------------------------------------------- */

/* inet_peer_xrlim_allow(): for each peer a token every so often, six saved at most. The
 * time is a second; for IPv6 (icmpv6_xrlim_allow()) it is halved for each 32 bits by which
 * the prefix of the route back is shorter than an address. */
static const struct icmp_limit {
	int64_t price, most;
} icmp_limits[] = {
	[ICMP_LINUX] = { SECONDS(1), 6 * SECONDS(1) },
	[ICMP_LINUX6] = { SECONDS(1) / 4, 6 * SECONDS(1) / 4 },
	[ICMP_LINUX6_WIDE] = { MS(62), 6 * MS(62) },
	[ICMP_STRICT] = { SECONDS(1) / 2, SECONDS(1) / 2 },
};

/* `first`: ip_error(), which reports that there is no route, asks the same account before,
 * and lets it grow to five only. */
static bool icmp_allowed(struct model *model, uint8_t number, bool first)
{
	enum icmp_rate rate = model->scenario->node[number].rate;
	uint8_t account = model->scenario->node[number].account;
	struct bucket *bucket = &model->bucket[account != 0 ? account : number];
	struct icmp_limit limit = icmp_limits[rate];
	if (rate == ICMP_UNLIMITED)
		return true;
	if (!bucket->used)
		*bucket = (struct bucket){ limit.most, model->now_ns, true };
	if (first)
		limit.most -= limit.price;
	bucket->tokens_ns += model->now_ns - bucket->at_ns;
	bucket->at_ns = model->now_ns;
	if (bucket->tokens_ns > limit.most)
		bucket->tokens_ns = limit.most;
	if (bucket->tokens_ns < limit.price)
		return false;
	bucket->tokens_ns -= limit.price;
	return true;
}

static void report(struct model *model, const struct happening *happening, uint8_t type,
		   uint8_t code, const struct address *from)
{
	const struct scenario *scenario = model->scenario;
	const struct node *node =
		&scenario->node[scenario->trail[happening->trail].node[happening->position]];
	struct segment error = happening->segment;
	error.icmp_type = type;
	error.icmp_code = code;
	error.from = *from;
	error.quoted_ttl = (uint8_t)(error.ttl > happening->position - 1u
					     ? error.ttl - (happening->position - 1u)
					     : 1);
	error.ttl_of_icmp = node->initial_ttl;
	error.short_quote = node->short_quotes;
	error.quoted_port = error.client_port;
	wire_back(model, happening->trail, happening->position, &error);
}

static void expired(struct model *model, const struct happening *happening)
{
	uint8_t number = model->scenario->trail[happening->trail].node[happening->position];
	const struct node *node = &model->scenario->node[number];
	if (!node->silent && !node->mute && icmp_allowed(model, number, false))
		report(model, happening, model_expired(model), 0,
		       node->translates ? &model->scenario->target : &node->address);
}

/* Filters are drawn with IPv4's codes (RFC 792, RFC 1812 5.2.7.1); RFC 4443 3.1 has fewer. */
static uint8_t unreachable_code(const struct model *model, const struct filter *filter)
{
	if (model->scenario->target.family == 4)
		return filter->icmp_code;
	switch (filter->icmp_code) {
	case 0: /* network, host: no route */
	case 1:
		return filter->delay_ns > 0 ? 3 : 0; /* or no neighbour */
	case 2: /* protocol: what nftables has in its stead is "policy" */
		return 5;
	case 3: /* port */
		return 4;
	case 9: /* network prohibited: "reject route" */
		return 6;
	default: /* host, or all communication prohibited */
		return 1;
	}
}

/* An end host reassembles before its rules look (IPv4), and says that it gave up. */
void wire_gives_up(struct model *model, const struct happening *happening)
{
	uint8_t number = model->scenario->trail[happening->trail].node[happening->position];
	if (icmp_allowed(model, number, false))
		report(model, happening, model_expired(model), 1, &model->scenario->target);
}

static void unreachable(struct model *model, const struct happening *happening,
			const struct filter *filter)
{
	const struct address *from = &model->scenario->node[filter->node].address;
	if (filter->own_name)
		from = &model->scenario->target;
	bool linux4 = model->scenario->node[filter->node].rate == ICMP_LINUX;
	if (model->scenario->node[filter->node].mute)
		return;
	if (filter->no_route && linux4 && !icmp_allowed(model, filter->node, true))
		return;
	if (!icmp_allowed(model, filter->node, false))
		return;
	model->now_ns += filter->delay_ns;
	report(model, happening, model_unreachable(model), unreachable_code(model, filter), from);
	model->now_ns -= filter->delay_ns;
}

/* A reset in the VM's name, towards the client (RFC 9293 3.10.7.1). */
static void forge_reset(struct model *model, const struct happening *happening,
			const struct filter *filter)
{
	const struct segment *cause = &happening->segment;
	struct segment reset = { .client_port = cause->client_port,
				 .server_port = cause->server_port,
				 .ttl = filter->initial_ttl,
				 .flags = TCP_RST };
	if (filter->back) {
		reset.sequence = cause->sequence;
	} else if (cause->flags & TCP_ACK) {
		reset.sequence = cause->acknowledgement;
	} else {
		reset.flags |= TCP_ACK;
		reset.acknowledgement = cause->sequence + 1;
	}
	model->now_ns += filter->delay_ns;
	wire_back(model, happening->trail, happening->position, &reset);
	model->now_ns -= filter->delay_ns;
}

void wire_at_node(struct model *model, const struct happening *happening)
{
	if (happening->filter < 0) {
		expired(model, happening);
		return;
	}
	const struct filter *filter = &model->scenario->filter[happening->filter];
	struct happening arrives = *happening;
	switch (filter->act) {
	case ACT_DROP:
		break;
	case ACT_RESET_BOTH:
		if (!filter->back)
			reset_server(model, &happening->segment);
		forge_reset(model, happening, filter);
		break;
	case ACT_RESET:
		forge_reset(model, happening, filter);
		break;
	case ACT_UNREACHABLE:
		unreachable(model, happening, filter);
		break;
	case ACT_REDIRECT:
		arrives.index = filter->host;
		host_receive(model, &arrives);
		break;
	}
}
