/* The way between client and VM: lines that lose and delay, nodes that filter and report. */
#include "model.h"

#define SECOND INT64_C(1000000000)
#define HEADERS 52 /* IPv4 and TCP with timestamps */

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

static bool crosses(struct model *model, unsigned position, double loss, int64_t *time_ns)
{
	const struct weather *weather = &model->scenario->weather;
	if (position != weather->lossy)
		return true;
	if (dice_chance(&model->dice, loss))
		return false;
	if (weather->jitter_ns > 0)
		*time_ns += dice_between(&model->dice, 0, weather->jitter_ns);
	return true;
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
	return segment->length > 0 && (segment->message == SAYS_CLIENT_IDENT ||
				       segment->message == SAYS_SERVER_IDENT);
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
	switch (filter->match) {
	case MATCH_PORTS:
		return !icmp && lists(filter, segment->server_port);
	case MATCH_OTHERS:
		return !icmp && !lists(filter, segment->server_port);
	case MATCH_IDENT:
		return !icmp && is_ident(segment) && lists(filter, segment->server_port);
	case MATCH_LARGE:
		return !icmp && segment->length + HEADERS > filter->size &&
		       !is_small(model, segment);
	case MATCH_ICMP:
		return icmp;
	}
	return false;
}

static void happens_at_node(struct model *model, int64_t time_ns, unsigned trail,
			    unsigned position, int filter, const struct segment *segment)
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
		    (filter->before_ttl || last) != before_ttl || !matches(model, filter, segment))
			continue;
		if (filter->act != ACT_DROP)
			happens_at_node(model, time_ns, trail, position, (int)i, segment);
		if (!filter->passes)
			return true;
	}
	return false;
}

/* -- out -------------------------------------------------------------------------------- */

static void walk_out(struct model *model, const struct segment *segment, int64_t time_ns)
{
	const struct scenario *scenario = model->scenario;
	unsigned number = wire_trail(model, segment->client_port, segment->server_port);
	const struct trail *trail = &scenario->trail[number];
	for (unsigned position = 1; position <= trail->length; position++) {
		time_ns += scenario->node[trail->node[position]].delay_ns;
		if (!crosses(model, position, scenario->weather.loss_out, &time_ns) ||
		    filtered(model, time_ns, number, position, true, segment) ||
		    (segment->fragment && position == scenario->keeps_fragments))
			return;
		if (position == trail->length)
			break;
		if (segment->ttl <= position) {
			happens_at_node(model, time_ns, number, position, -1, segment);
			return;
		}
		if (filtered(model, time_ns, number, position, false, segment))
			return;
	}
	queue_add(model, &(struct happening){ .time_ns = time_ns,
					      .kind = HAPPENS_AT_HOST,
					      .index = 0,
					      .trail = (uint8_t)number,
					      .position = trail->length,
					      .segment = *segment });
}

void wire_out(struct model *model, const struct segment *segment)
{
	walk_out(model, segment, model->now_ns);
	if (dice_chance(&model->dice, model->scenario->weather.duplicate))
		walk_out(model, segment, model->now_ns + US(40));
}

/* -- back ------------------------------------------------------------------------------- */

static void reset_server(struct model *model, const struct segment *segment)
{
	host_reset(model, segment->client_port);
}

/* A filter on the way back. True: the segment goes no further. */
static bool filtered_back(struct model *model, int64_t time_ns, unsigned trail,
			  unsigned position, const struct segment *segment)
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

static void walk_back(struct model *model, unsigned number, unsigned from, struct segment segment,
		      int64_t time_ns)
{
	const struct scenario *scenario = model->scenario;
	const struct weather *weather = &scenario->weather;
	const struct trail *trail = &scenario->trail[number];
	/* What a host says passes its own filters; what a router reports does not. */
	if (from == trail->length && filtered_back(model, time_ns, number, from, &segment))
		return;
	for (unsigned position = from; position >= 1; position--) {
		time_ns += scenario->node[trail->node[position]].delay_ns;
		if (!crosses(model, position, weather->loss_back, &time_ns))
			return;
		if (position > 1 && filtered_back(model, time_ns, number, position - 1, &segment))
			return;
	}
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

void wire_back(struct model *model, unsigned trail, unsigned position,
	       const struct segment *segment)
{
	walk_back(model, trail, position, *segment, model->now_ns);
	if (dice_chance(&model->dice, model->scenario->weather.duplicate))
		walk_back(model, trail, position, *segment, model->now_ns + US(40));
}

/* -- what nodes say --------------------------------------------------------------------- */

/* net/ipv4/icmp.c: a token a second for each peer, six saved at most. */
static bool icmp_allowed(struct model *model, uint8_t number)
{
	static const struct {
		int64_t price, most;
	} rates[] = {
		[ICMP_LINUX] = { SECOND, 6 * SECOND },
		[ICMP_STRICT] = { SECOND / 2, SECOND / 2 },
	};
	enum icmp_rate rate = model->scenario->node[number].rate;
	struct bucket *bucket = &model->bucket[number];
	if (rate == ICMP_UNLIMITED)
		return true;
	if (!bucket->used)
		*bucket = (struct bucket){ rates[rate].most, model->now_ns, true };
	bucket->tokens_ns += model->now_ns - bucket->at_ns;
	bucket->at_ns = model->now_ns;
	if (bucket->tokens_ns > rates[rate].most)
		bucket->tokens_ns = rates[rate].most;
	if (bucket->tokens_ns < rates[rate].price)
		return false;
	bucket->tokens_ns -= rates[rate].price;
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
	error.quoted_ttl = (uint8_t)(error.ttl > happening->position - 1u ?
					     error.ttl - (happening->position - 1u) : 1);
	error.ttl_of_icmp = node->initial_ttl;
	error.short_quote = node->short_quotes;
	error.quoted_port = error.client_port;
	wire_back(model, happening->trail, happening->position, &error);
}

static void expired(struct model *model, const struct happening *happening)
{
	uint8_t number = model->scenario->trail[happening->trail].node[happening->position];
	const struct node *node = &model->scenario->node[number];
	if (!node->silent && icmp_allowed(model, number))
		report(model, happening, 11, 0, &node->address);
}

/* An end host reassembles before its rules look (IPv4), and says that it gave up. */
void wire_gives_up(struct model *model, const struct happening *happening)
{
	uint8_t number = model->scenario->trail[happening->trail].node[happening->position];
	if (icmp_allowed(model, number))
		report(model, happening, 11, 1, &model->scenario->target);
}

static void unreachable(struct model *model, const struct happening *happening,
			const struct filter *filter)
{
	const struct address *from = &model->scenario->node[filter->node].address;
	if (filter->own_name)
		from = &model->scenario->target;
	if (!icmp_allowed(model, filter->node))
		return;
	model->now_ns += filter->delay_ns;
	report(model, happening, 3, filter->icmp_code, from);
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
	wire_back(model, happening->trail, happening->position, &reset);
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
