/* From what was written down of a conversation to its report. */
#include <string.h>

#include "traffic/state.h"

/* Nothing is expected any more so long after the last packet. */
#define PATIENCE     INT64_C(10000000000)
#define ATTEMPTS_MAX 8

/* How an attempt ended for the client: those in a row that ended alike are read as one. */
enum fate { FATE_SILENT, FATE_REFUSED, FATE_CONNECTED };

static enum fate fate_of(const struct flow *flow)
{
	if (flow->bits & (FLOW_ANSWER | FLOW_CONNECTED | FLOW_MIDSTREAM))
		return FATE_CONNECTED;
	return flow->bits & FLOW_REFUSED ? FATE_REFUSED : FATE_SILENT;
}

/* A side acknowledges what the capture has not shown, or goes on without an answer: then
 * packets are missing here, not on the wire. */
static bool lacks_packets(const struct flow *flow)
{
	bool server = flow->bits & FLOW_SERVER_END, client = flow->bits & FLOW_CLIENT_END;
	bool from_start = flow->bits & FLOW_SYN;
	if (flow->bits & FLOW_CLIENT_ACK &&
	    (server ? (int32_t)(flow->client_ack - flow->server_end) > 0 : from_start))
		return true;
	return flow->bits & FLOW_SERVER_ACK &&
	       (client ? (int32_t)(flow->server_ack - flow->client_end) > 0 : true);
}

struct settling {
	struct traffic *traffic;
	const struct conversation *conversation;
	const struct flow *flows[ATTEMPTS_MAX]; /* newest first */
	size_t flow_count;
	int64_t now_ns;
	bool hurried;
};

static void collect(struct settling *s)
{
	const struct table *table = &s->traffic->table;
	for (uint32_t i = s->conversation->newest; i != 0 && s->flow_count < ATTEMPTS_MAX;
	     i = table->flows[i].older)
		s->flows[s->flow_count++] = &table->flows[i];
}

/* -- the run that the rest of the analysis knows ------------------------------------------ */

static void add_limit(struct run *run, const char *text)
{
	run_event(run, &(struct event){ .kind = EVENT_LIMIT, .text = text });
}

static void add_place(struct run *run, const struct settling *s)
{
	const struct traffic *t = s->traffic;
	char text[PLACE_TEXT];
	if (t->options.vantage_given) {
		run->vantage = t->options.vantage;
		return;
	}
	enum answer place = place_of_capture(s->conversation, &t->locals, text);
	run_event(run, &(struct event){
			       .kind = EVENT_PLACE, .text = text, .detail = answer_name(place) });
	run->vantage = place == ANSWER_PLACE_CLIENT ? VANTAGE_CLIENT
		       : place == ANSWER_PLACE_VM	 ? VANTAGE_VM
							 : VANTAGE_UNKNOWN;
	if (run->vantage == VANTAGE_UNKNOWN)
		add_limit(run, "the vantage point: where the capture was taken does not show "
			       "(--vantage tells it)");
}

static void add_gaps(struct run *run, const struct settling *s)
{
	const struct traffic *t = s->traffic;
	bool lacking = false, midstream = false;
	for (size_t i = 0; i < s->flow_count; i++) {
		lacking |= lacks_packets(s->flows[i]);
		midstream |= (s->flows[i]->bits & FLOW_MIDSTREAM) != 0;
	}
	if (t->lost > 0 || lacking)
		run_event(run, &(struct event){ .kind = EVENT_CAPTURE,
						.text = "",
						.value = t->lost > 0 ? (int64_t)t->lost : 1 });
	if (t->lost > 0)
		add_limit(run, arena_format(&run->arena,
					    "silence: the capture lost %llu frames, so that it "
					    "proves nothing",
					    (unsigned long long)t->lost));
	else if (lacking)
		add_limit(run, "silence: packets that were answered are missing from the capture, "
			       "so that it proves nothing");
	if (midstream)
		add_limit(run, "the beginning: the capture starts in the middle of a connection");
	if (s->hurried)
		add_limit(run, "what followed: there was no room for more conversations at once");
	if (t->tally.forgotten > 0)
		add_limit(run,
			  arena_format(&run->arena,
				       "%llu other conversations that never began (a flood of SYNs?): "
				       "there was no room for them",
				       (unsigned long long)t->tally.forgotten));
}

static void run_start(struct run *run, const struct settling *s)
{
	const struct conversation *c = s->conversation;
	char text[ADDRESS_TEXT];
	*run = (struct run){
		.address = c->server,
		.port = c->port,
		.local_address = c->client,
		.interface = s->traffic->options.interface,
		.started_ns = c->first_ns,
		.stopped_ns = c->last_ns,
	};
	run->host = arena_string(&run->arena, address_text(&c->server, text));
	add_place(run, s);
	add_gaps(run, s);
}

/* -- the packets, read back -------------------------------------------------------------- */

static void give_ends(struct packet *packet, const struct conversation *c, uint16_t client_port,
		      bool from_client)
{
	bool icmp = packet->protocol != IP_TCP;
	packet->destination = from_client ? c->server : c->client;
	if (icmp)
		return;
	packet->source = from_client ? c->client : c->server;
	packet->source_port = from_client ? client_port : c->port;
	packet->destination_port = from_client ? c->port : client_port;
}

static void feed(struct track *track, const struct settling *s, const struct flow *flow)
{
	struct traffic *t = s->traffic;
	struct replay replay = chain_replay(&t->table.pool, &flow->chain, t->payload);
	struct packet packet;
	bool from_client;
	while (replay_next(&replay, &packet, &from_client)) {
		give_ends(&packet, s->conversation, flow->client_port, from_client);
		(void)track_packet(track, &packet);
	}
}

/* A later connection from the same port takes the earlier one's place. */
static bool port_is_taken_over(const struct settling *s, size_t first, size_t index)
{
	for (size_t i = first; i < index; i++)
		if (s->flows[i]->client_port == s->flows[index]->client_port)
			return true;
	return false;
}

/* The attempts that ended as number `first` did, up to it. */
static void report_from(const struct settling *s, size_t first, struct run *run,
			struct report *report)
{
	struct track track;
	size_t end = first;
	while (end < s->flow_count && fate_of(s->flows[end]) == fate_of(s->flows[first]))
		end++;
	track_start(&track, run, &run->arena);
	for (size_t i = end; i-- > first;)
		if (!port_is_taken_over(s, first, i))
			feed(&track, s, s->flows[i]);
	report_build_tracked(report, &track, s->now_ns, &s->traffic->options.report, &run->arena);
	report->attempts = s->conversation->attempts;
}

/* The last attempts tell how it stands. One that the capture's end cut off tells nothing:
 * then those before it do. */
static void report_conversation(struct settling *s)
{
	for (size_t first = 0; first < s->flow_count; first++) {
		struct run run;
		struct report report;
		run_start(&run, s);
		report_from(s, first, &run, &report);
		bool last = first + 1 == s->flow_count;
		bool tells = report.outcome != OUTCOME_UNKNOWN;
		if (tells || last)
			s->traffic->settled(s->traffic->context, &report);
		run_free(&run);
		if (tells)
			break;
	}
}

/* -------------------------------------------------------------------------------------- */

static void mark_settled(struct traffic *t, const struct conversation *c)
{
	for (uint32_t i = c->newest; i != 0; i = t->table.flows[i].older) {
		const struct flow *flow = &t->table.flows[i];
		if (flow->tag == 0 || !(flow->bits & (FLOW_CONNECTED | FLOW_MIDSTREAM)))
			continue;
		struct seed *seed = seeds_find(&t->seeds, flow->tag);
		if (seed == NULL)
			seed = seeds_put(&t->seeds, flow->tag, c->last_ns);
		seed->bits |= SEED_SETTLED;
	}
}

void settle(struct traffic *t, uint32_t index, bool hurried)
{
	const struct conversation *c = &t->table.conversations[index];
	struct settling s = { .traffic = t, .conversation = c, .hurried = hurried };
	s.now_ns = c->last_ns + PATIENCE < t->clock_ns ? c->last_ns + PATIENCE : t->clock_ns;
	if (s.now_ns < c->last_ns)
		s.now_ns = c->last_ns;
	collect(&s);
	t->tally.conversations++;
	t->tally.hurried += hurried;
	report_conversation(&s);
	mark_settled(t, c);
	table_remove(&t->table, index);
}
