/* Which conversation a packet belongs to, what of it is written down, and when a
 * conversation is over. */
#include <stdlib.h>
#include <string.h>

#include "traffic/attempt.h"
#include "traffic/state.h"

#define SEEDS  (UINT32_C(1) << 17) /* 8 MiB */
#define KNOCKS (UINT32_C(1) << 20) /* 20 MiB */

/* One-SYN conversations that wait for what follows; a flood has no end of them. What is
 * pushed out leaves a seed. */
#define LONE_MAX 4096

/* Linux sends a SYN 1, 3, 7, 15, 31 and 63 s after the first and gives up after 127 s: for
 * so long a conversation that was quiet may go on. */
#define QUIET	   SECONDS(180)
#define OPEN_QUIET SECONDS(3600)
#define ROUND	   SECONDS(1)
#define HELD_MAX   65536 /* bytes of a frame: more than any packet's headers */

struct traffic *traffic_new(const struct traffic_options *options, traffic_settled *settled,
			    void *context)
{
	struct traffic *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->options = *options;
	t->settled = settled;
	t->context = context;
	t->clock_ns = t->last_frame_ns = t->look_round_ns = INT64_MIN;
	look_start(&t->look, options->ports, options->port_count);
	t->payload = malloc(KEPT_PAYLOAD_MAX);
	t->held_bytes = malloc(HELD_MAX);
	bool seeds = seeds_start(&t->seeds, SEEDS >> options->smaller);
	bool knocks = knocks_start(&t->knocks, KNOCKS >> options->smaller);
	t->order = malloc((CONVERSATIONS_MAX >> options->smaller) * sizeof(*t->order));
	if (!table_start(&t->table, options->key, options->smaller) || !seeds || !knocks ||
	    t->payload == NULL || t->held_bytes == NULL || t->order == NULL) {
		traffic_free(t);
		return NULL;
	}
	return t;
}

void traffic_free(struct traffic *t)
{
	if (t == NULL)
		return;
	seeds_end(&t->seeds);
	knocks_end(&t->knocks);
	table_end(&t->table);
	free(t->payload);
	free(t->held_bytes);
	free(t->order);
	free(t);
}

/* -- room ------------------------------------------------------------------------------ */

static void push_out(struct traffic *t, uint32_t index)
{
	enum standing standing = t->table.conversations[index].standing;
	if (standing >= STANDING_ENDED) {
		settle(t, index, standing == STANDING_OPEN);
		return;
	}
	t->tally.forgotten++;
	table_remove(&t->table, index);
}

/* False when only the spared one is left. */
static bool make_room(struct traffic *t, size_t payload, uint32_t spared)
{
	while (!table_has_room(&t->table, payload)) {
		uint32_t least = table_least(&t->table, spared);
		if (least == 0)
			return false;
		push_out(t, least);
	}
	return true;
}

/* -- what a packet changes ------------------------------------------------------------- */

static enum standing standing_of(const struct traffic *t, const struct conversation *c)
{
	enum standing standing = STANDING_LONE;
	unsigned syns = 0;
	for (uint32_t i = c->newest; i != 0; i = t->table.attempts[i].older) {
		const struct attempt *attempt = &t->table.attempts[i];
		enum standing one = STANDING_LONE;
		syns += attempt->syns;
		if (attempt->bits & (ATTEMPT_CONNECTED | ATTEMPT_MIDSTREAM))
			one = attempt->bits & ATTEMPT_ENDED ? STANDING_ENDED : STANDING_OPEN;
		else if (attempt->bits & ATTEMPT_REFUSED)
			one = STANDING_REFUSED;
		else if (attempt->bits & ATTEMPT_ANSWER)
			one = STANDING_HALF;
		if (one > standing)
			standing = one;
	}
	/* A client that repeats itself waits for an answer; a flood does not. */
	if (standing <= STANDING_HALF && syns > 1)
		standing = syns > 2 ? STANDING_REFUSED : STANDING_HALF;
	return standing;
}

static void note_sides(struct conversation *c, const struct packet *p, bool from_client)
{
	unsigned marks = 0;
	if (p->direction == DIRECTION_OUT)
		marks |= from_client ? MARK_CLIENT_OUT : MARK_SERVER_OUT;
	bool sound = !(p->flags & TCP_RST);
	if (from_client && c->client_ttl == 0 && sound)
		c->client_ttl = p->ttl;
	if (!from_client && (c->server_ttl == 0 || (sound && !(c->marks & MARK_SERVER_SOUND)))) {
		c->server_ttl = p->ttl;
		marks |= sound ? MARK_SERVER_SOUND : 0;
	}
	c->marks |= (uint8_t)marks;
}

static void write_down(struct traffic *t, struct attempt *attempt, const struct packet *p,
		       bool from_client)
{
	uint32_t *bytes = from_client ? &attempt->client_kept : &attempt->server_kept;
	uint32_t room = *bytes < SSH_STREAM_MAX ? SSH_STREAM_MAX - *bytes : 0;
	if (room > p->payload_captured)
		room = p->payload_captured;
	if (!make_room(t, room, attempt->conversation) ||
	    !recording_keep(&t->table.pool, &attempt->recording, p, from_client, room)) {
		attempt->bits |= ATTEMPT_FULL;
		return;
	}
	*bytes += room;
	attempt->packets++;
	if (from_client && p->flags & TCP_SYN)
		attempt->syns++;
}

static void place_conversation(struct traffic *t, uint32_t index)
{
	struct traffic_table *table = &t->table;
	table_place(table, index, standing_of(t, &table->conversations[index]));
	if (table->list[STANDING_LONE].count > (uint32_t)LONE_MAX >> t->options.smaller)
		push_out(t, table->list[STANDING_LONE].first);
}

static void note_time(struct conversation *c, int64_t time_ns)
{
	if (c->first_ns == 0 || time_ns < c->first_ns)
		c->first_ns = time_ns;
	if (time_ns > c->last_ns)
		c->last_ns = time_ns;
}

static void attempt_takes(struct traffic *t, uint32_t index, const struct packet *p,
			  bool from_client)
{
	struct attempt *attempt = &t->table.attempts[index];
	struct conversation *c = &t->table.conversations[attempt->conversation];
	note_time(c, p->time_ns);
	if (attempt_is_news(attempt, p, from_client))
		write_down(t, attempt, p, from_client);
	note_sides(c, p, from_client);
	attempt_follow_numbers(attempt, p, from_client);
	attempt_note_stage(attempt, p, from_client);
}

/* -- beginnings ------------------------------------------------------------------------ */

/* Who is the client, and who the server. */
struct roles {
	const struct address *client, *server;
	uint16_t client_port, port;
	bool client_low;
};

static struct roles roles_of(const struct tcp_ends *ends, bool source_low, bool from_client)
{
	if (from_client)
		return (struct roles){ ends->source, ends->destination, ends->source_port,
				       ends->destination_port, source_low };
	return (struct roles){ ends->destination, ends->source, ends->destination_port,
			       ends->source_port, !source_low };
}

/* What it goes on to say is not a connection of its own. */
static void drop_attempt(struct traffic *t, uint32_t conversation)
{
	uint32_t spare = table_spare_attempt(&t->table, conversation);
	mark_seen(t, &t->table.attempts[spare], t->table.conversations[conversation].last_ns);
	table_drop_attempt(&t->table, spare);
}

/* 0 when there is no room, which cannot be: others are pushed out. */
static uint32_t open_attempt(struct traffic *t, uint64_t tag, const struct roles *roles)
{
	struct traffic_table *table = &t->table;
	uint32_t c = table_conversation(table, roles->client, roles->server, roles->port);
	if (!make_room(t, 0, c))
		return 0;
	if (c == 0)
		c = table_add_conversation(table, roles->client, roles->server, roles->port);
	uint32_t index = table_add_attempt(table, tag, c);
	struct attempt *attempt = &table->attempts[index];
	attempt->client_port = roles->client_port;
	attempt->bits = roles->client_low ? ATTEMPT_CLIENT_LOW : 0;
	look_watch_port(&t->look, roles->port);
	if (table->conversations[c].attempt_count > ATTEMPTS_KEPT)
		drop_attempt(t, c);
	return index;
}

/* A connection whose beginning is known by its seed only. `goes_on`: it did after that. */
static uint32_t revive_attempt(struct traffic *t, uint64_t tag, const struct seed *seed,
			       const struct roles *roles, bool goes_on)
{
	uint32_t index = open_attempt(t, tag, roles);
	if (index == 0)
		return 0;
	struct packet syn = seed_syn_packet(seed), answer = seed_answer_packet(seed);
	t->table.attempts[index].client_sequence = syn.sequence;
	attempt_takes(t, index, &syn, true);
	if (!(seed->bits & SEED_ANSWER))
		return index;
	attempt_takes(t, index, &answer, false);
	if (!goes_on)
		return index;
	/* Nobody looked at the acknowledgement that must have followed. */
	struct packet taken = { .time_ns = answer.time_ns,
				.end = DECODE_COMPLETE,
				.protocol = IP_TCP,
				.flags = TCP_ACK,
				.ttl = syn.ttl,
				.sequence = answer.acknowledgement,
				.acknowledgement = answer.sequence + 1 };
	attempt_takes(t, index, &taken, true);
	return index;
}

/* How the connection with this SYN began, as far as is known. SEED_SETTLED: it is over, or is not
 * followed any more. */
static bool recall_seed(const struct traffic *t, uint64_t tag, uint32_t sequence, struct seed *seed)
{
	const struct seed *known = seeds_find(&t->seeds, tag);
	if (known != NULL && known->bits & SEED_SYN && known->syn_sequence == sequence) {
		*seed = *known;
		return true;
	}
	return knocks_find(&t->knocks, tag, sequence, seed);
}

static bool is_from_client(const struct seed *seed, bool source_low)
{
	return !(seed->bits & SEED_CLIENT_LOW) == !source_low;
}

static bool starts_ssh(const struct packet *p)
{
	return p->payload_captured >= 4 && memcmp(p->payload, "SSH-", 4) == 0;
}

/* Whether a SYN is another try in a conversation that is known, on a port where one server was
 * found to speak SSH, and nobody else is expected to. */
static bool is_retry(const struct traffic *t, const struct roles *roles)
{
	return look_watches_port(&t->look, roles->port) &&
	       table_conversation(&t->table, roles->client, roles->server, roles->port) != 0;
}

static uint32_t begin_by_syn(struct traffic *t, const struct packet *p, const struct tcp_ends *ends,
			     uint64_t tag, bool source_low)
{
	struct seed seed;
	struct roles roles = roles_of(ends, source_low, true);
	bool wanted = look_wants_port(&t->look, roles.port) || is_retry(t, &roles);
	if (t->options.heir != NULL)
		t->options.heir->syn(t->options.heir->context, p);
	if (!wanted) {
		knocks_put(&t->knocks, tag, p, source_low);
		return 0;
	}
	bool again = recall_seed(t, tag, p->sequence, &seed) && is_from_client(&seed, source_low);
	if (again && seed.bits & SEED_SETTLED)
		return 0;
	knocks_put(&t->knocks, tag, p, source_low);
	if (again)
		return revive_attempt(t, tag, &seed, &roles, false);
	uint32_t index = open_attempt(t, tag, &roles);
	t->table.attempts[index].client_sequence = p->sequence;
	return index;
}

static uint32_t begin_by_answer(struct traffic *t, const struct packet *p,
				const struct tcp_ends *ends, uint64_t tag, bool source_low)
{
	struct seed seed;
	struct roles roles = roles_of(ends, source_low, false);
	bool wanted = look_wants_port(&t->look, ends->source_port);
	bool known = recall_seed(t, tag, p->acknowledgement - 1, &seed) &&
		     !is_from_client(&seed, source_low);
	if (known && seed.bits & SEED_SETTLED)
		return 0;
	if (!known && wanted) {
		uint32_t index = open_attempt(t, tag, &roles);
		t->table.attempts[index].client_sequence = p->acknowledgement - 1;
		return index;
	}
	return wanted ? revive_attempt(t, tag, &seed, &roles, false) : 0;
}

/* A SYN-ACK makes a seed of the knock. */
static void note_answer(struct traffic *t, const struct packet *p, uint64_t tag, bool source_low)
{
	struct seed seed;
	if (!recall_seed(t, tag, p->acknowledgement - 1, &seed) ||
	    is_from_client(&seed, source_low) || seed.bits & SEED_ANSWER)
		return;
	seed_answer(&seed, p);
	*seeds_put(&t->seeds, tag, p->time_ns) = seed;
	if (seed.bits & SEED_SETTLED)
		return;
	locals_learn(&t->locals, &p->destination, seed.syn_ttl, &p->source, p->ttl);
}

/* Neither a SYN nor an answer to one. */
static uint32_t begin_later(struct traffic *t, const struct packet *p, const struct tcp_ends *ends,
			    uint64_t tag, bool source_low)
{
	bool to_server = look_wants_port(&t->look, ends->destination_port);
	bool to_client = look_wants_port(&t->look, ends->source_port);
	if (!to_server && !to_client && !starts_ssh(p))
		return 0;
	struct seed *known = seeds_find(&t->seeds, tag);
	if (known != NULL && known->bits & SEED_SETTLED) {
		known->syn_ns = p->time_ns; /* it goes on: others are forgotten first */
		return 0;
	}
	struct seed seed;
	bool found = known != NULL && known->bits & SEED_SYN;
	if (found)
		seed = *known;
	else if (p->flags & TCP_RST) /* the answer to a SYN acknowledges it */
		found = knocks_find(&t->knocks, tag, p->acknowledgement - 1, &seed);
	if (found && seed.bits & SEED_SETTLED)
		return 0;
	if (found) {
		struct roles roles = roles_of(ends, source_low, is_from_client(&seed, source_low));
		return revive_attempt(t, tag, &seed, &roles, p->payload_length > 0);
	}
	/* A segment without bytes may be anybody's stray. */
	if (p->payload_length == 0 || p->flags & TCP_RST)
		return 0;
	if (to_server == to_client)
		to_server = ends->destination_port < ends->source_port;
	struct roles roles = roles_of(ends, source_low, to_server);
	uint32_t index = open_attempt(t, tag, &roles);
	t->table.attempts[index].bits |= ATTEMPT_MIDSTREAM;
	return index;
}

static uint32_t begin_attempt(struct traffic *t, const struct packet *p,
			      const struct tcp_ends *ends, uint64_t tag, bool source_low)
{
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return begin_by_syn(t, p, ends, tag, source_low);
	if (p->flags & TCP_SYN)
		return begin_by_answer(t, p, ends, tag, source_low);
	return begin_later(t, p, ends, tag, source_low);
}

/* -- packets --------------------------------------------------------------------------- */

/* The same ends again: another SYN than the one that this connection began with. */
static bool is_another(const struct attempt *attempt, const struct packet *p, bool from_client)
{
	return from_client && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	       (!(attempt->bits & ATTEMPT_SYN) || p->sequence != attempt->client_sequence);
}

static void take_tcp(struct traffic *t, const struct packet *p)
{
	bool source_low;
	struct tcp_ends ends = { &p->source, &p->destination, p->source_port, p->destination_port };
	uint64_t tag = table_tag(&t->table, &ends, &source_low);
	uint32_t index = table_attempt(&t->table, tag);
	if (index != 0) {
		const struct attempt *attempt = &t->table.attempts[index];
		if (is_another(attempt, p, !(attempt->bits & ATTEMPT_CLIENT_LOW) == !source_low)) {
			table_hide_attempt(&t->table, index);
			index = 0;
		}
	}
	if (index == 0)
		index = begin_attempt(t, p, &ends, tag, source_low);
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		note_answer(t, p, tag, source_low);
	if (index == 0)
		return;
	const struct attempt *attempt = &t->table.attempts[index];
	attempt_takes(t, index, p, !(attempt->bits & ATTEMPT_CLIENT_LOW) == !source_low);
	place_conversation(t, attempt->conversation);
}

/* An error belongs to the connection of the packet that it quotes. */
static void take_icmp(struct traffic *t, const struct packet *p)
{
	const struct quote *q = &p->quote;
	bool source_low;
	if (!q->present || !q->has_ports || q->protocol != IP_TCP)
		return;
	struct tcp_ends ends = { &q->source, &q->destination, q->source_port, q->destination_port };
	uint64_t tag = table_tag(&t->table, &ends, &source_low);
	uint32_t index = table_attempt(&t->table, tag);
	if (index == 0) {
		struct seed seed;
		struct roles roles = roles_of(&ends, source_low, true);
		if (!look_wants_port(&t->look, q->destination_port) || !q->has_sequence ||
		    !recall_seed(t, tag, q->sequence, &seed) || seed.bits & SEED_SETTLED ||
		    !is_from_client(&seed, source_low))
			return;
		index = revive_attempt(t, tag, &seed, &roles, false);
	}
	if (index == 0)
		return;
	struct attempt *attempt = &t->table.attempts[index];
	struct conversation *c = &t->table.conversations[attempt->conversation];
	note_time(c, p->time_ns);
	if (attempt->packets < PACKETS_KEPT)
		write_down(t, attempt, p, false);
	if (!(attempt->bits & ATTEMPT_CONNECTED))
		attempt->bits |= ATTEMPT_REFUSED;
	place_conversation(t, attempt->conversation);
}

/* -- time ------------------------------------------------------------------------------ */

static void settle_quiet(struct traffic *t)
{
	for (int s = 0; s < STANDINGS; s++) {
		int64_t quiet = s == STANDING_OPEN ? OPEN_QUIET : QUIET;
		const struct list *list = &t->table.list[s];
		while (list->first != 0 &&
		       t->clock_ns - t->table.conversations[list->first].last_ns > quiet)
			settle(t, list->first, false);
	}
}

/* A single frame may carry any time: the clock goes on only to what two frames in a row have
 * passed. */
static void advance_clock(struct traffic *t, int64_t time_ns)
{
	int64_t both = time_ns < t->last_frame_ns ? time_ns : t->last_frame_ns;
	t->last_frame_ns = time_ns;
	if (both <= t->clock_ns)
		return;
	t->clock_ns = both;
	if (both < t->look_round_ns)
		return;
	t->look_round_ns = both + ROUND;
	settle_quiet(t);
}

/* Not inlined: what is done with every frame then needs no stack for a packet. */
static __attribute__((noinline)) void take_frame(struct traffic *t, const struct frame *frame)
{
	struct packet packet;
	decode(frame, &packet);
	/* A short snaplen cuts the options of a segment: the rest of its header holds. */
	if (packet.end == DECODE_CUT_SHORT && packet.protocol == IP_TCP && packet.flags != 0)
		packet.end = DECODE_COMPLETE;
	if (packet.end != DECODE_COMPLETE)
		return;
	if (packet.protocol == IP_TCP)
		take_tcp(t, &packet);
	else
		take_icmp(t, &packet);
}

/* Whether all that went on before may have settled by then. (Times lie within 2^62 of 1970.) */
static bool seems_to_end_a_pause(const struct traffic *t, const struct frame *frame)
{
	return t->tally.frames > 1 && frame->captured > 0 && frame->captured <= HELD_MAX &&
	       frame->time_ns > t->last_frame_ns && frame->time_ns - t->last_frame_ns > QUIET;
}

/* What ends a pause belongs to no conversation before it: it waits until the clock has moved. */
static void hold_frame(struct traffic *t, const struct frame *frame)
{
	t->held = *frame;
	t->held.bytes = memcpy(t->held_bytes, frame->bytes, frame->captured);
}

static void release_frame(struct traffic *t)
{
	if (t->held.captured > 0)
		take_frame(t, &t->held);
	t->held.captured = 0;
}

void traffic_frame(struct traffic *t, const struct frame *frame)
{
	if (t->tally.frames++ == 0)
		t->tally.first_ns = frame->time_ns;
	bool pause = seems_to_end_a_pause(t, frame);
	advance_clock(t, frame->time_ns);
	release_frame(t);
	if (!look_at(&t->look, frame))
		return;
	if (pause)
		hold_frame(t, frame);
	else
		take_frame(t, frame);
}

void traffic_time(struct traffic *t, int64_t now_ns)
{
	advance_clock(t, now_ns);
	release_frame(t);
}

void traffic_lost(struct traffic *t, uint64_t frames)
{
	t->lost = frames;
}

static int by_time(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

void traffic_end(struct traffic *t)
{
	t->clock_ns = t->last_frame_ns > t->clock_ns ? t->last_frame_ns : t->clock_ns;
	if (t->held.captured > 0)
		settle_quiet(t);
	release_frame(t);
	uint32_t count = 0;
	for (int s = 0; s < STANDINGS; s++)
		for (uint32_t i = t->table.list[s].first; i != 0;
		     i = t->table.conversations[i].after)
			t->order[count++] = (struct turn){ t->table.conversations[i].first_ns, i };
	qsort(t->order, count, sizeof(*t->order), by_time);
	for (uint32_t i = 0; i < count; i++)
		settle(t, t->order[i].conversation, false);
}

struct traffic_tally traffic_tally(const struct traffic *t)
{
	struct traffic_tally tally = t->tally;
	tally.last_ns = t->clock_ns;
	return tally;
}
