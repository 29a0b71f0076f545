/* The driver's part (probe/drive/loop.c), played against the model. */
#include "diagnosis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/licence.h"
#include "stranger.h"

#define STARTED	    INT64_C(1790000000000000000)
#define FIRST_PORT  61000
#define SEND_COST   US(12) /* of one crafted segment */
#define NEIGHBOUR   MS(1)
#define TURNS_MAX   200000
#define SEGMENT_MAX 1448 /* what an Ethernet MTU leaves of IPv4 and TCP with timestamps */

struct workshop {
	struct phrases phrases[2]; /* over IPv4, over IPv6 */
	struct model model;
};

struct play {
	struct workshop *workshop;
	struct model *model;
	const struct scenario *scenario;
	struct run run;
	struct plan *plan;
	struct licence licence;
	struct track track;
	struct arena arena;
	struct diagnosis *diagnosis;
	struct dice unseen;
	struct stranger stranger;
	uint64_t frames;
	uint64_t frames_lost; /* of which nothing was told yet */
	int64_t counted_ns;   /* when that was last asked */
	int64_t neighbour_ns;
	FILE *trace;
};

struct workshop *workshop_new(void)
{
	struct workshop *workshop = calloc(1, sizeof(*workshop));
	if (workshop == NULL)
		return NULL;
	phrases_build(&workshop->phrases[0], SEGMENT_MAX);
	phrases_build(&workshop->phrases[1], SEGMENT_MAX - 20);
	return workshop;
}

void workshop_free(struct workshop *workshop)
{
	free(workshop);
}

/* -- trace ------------------------------------------------------------------------------ */

static double since_start(int64_t time_ns)
{
	return (double)(time_ns - STARTED) / 1e6;
}

static void trace_packet(const struct play *play, const struct packet *packet)
{
	char from[ADDRESS_TEXT], text[8];
	size_t n = 0;
	if (play->trace == NULL)
		return;
	address_text(&packet->source, from);
	if (packet->protocol != IP_TCP) {
		fprintf(play->trace, "%10.3f #%llu < %s icmp %u/%u about %u>%u seq %08x\n",
			since_start(packet->time_ns), (unsigned long long)packet->number, from,
			packet->icmp_type, packet->icmp_code, packet->quote.source_port,
			packet->quote.destination_port, packet->quote.sequence);
		return;
	}
	for (unsigned bit = 0; bit < 5; bit++)
		if (packet->flags & 1u << bit)
			text[n++] = "FSRPA"[bit];
	text[n] = '\0';
	fprintf(play->trace, "%10.3f #%llu %c %u>%u %s ttl %u seq %08x ack %08x length %u%s\n",
		since_start(packet->time_ns), (unsigned long long)packet->number,
		packet->direction == DIRECTION_OUT ? '>' : '<', packet->source_port,
		packet->destination_port, text, packet->ttl, packet->sequence,
		packet->acknowledgement, packet->payload_length, packet->loopback ? " (lo)" : "");
}

static void trace_event(const struct play *play, const struct event *event)
{
	if (play->trace != NULL && event->kind != EVENT_OPEN)
		fprintf(play->trace, "%10.3f ! %s port %u error %d %s %s\n",
			since_start(event->time_ns), event_name(event->kind), event->local_port,
			event->error, event_word_name(event->word),
			event->text != NULL ? event->text : "");
}

/* -- what the tap and the kernel tell ------------------------------------------------------- */

static void tell(struct play *play, struct event event)
{
	event.time_ns = play->model->now_ns;
	trace_event(play, &event);
	run_event(&play->run, &event);
	plan_event(play->plan, &event);
	track_event(&play->track, &event);
}

static void on_event(void *context, struct event event)
{
	tell(context, event);
}

static void fill_tcp(const struct play *play, const struct segment *segment, bool outgoing,
		     struct packet *packet)
{
	bool six = play->scenario->target.family == 6;
	struct address proxy = address_parse(six ? "2001:db8:20::50" : "10.20.0.50");
	struct address here = address_parse(six ? "::1" : "127.0.0.1");
	struct address remote = play->scenario->target;
	uint16_t port = segment->server_port;
	if (segment->diverted) {
		remote = segment->loopback ? here : proxy;
		port = segment->loopback ? 8888 : 3128;
	}
	packet->source = outgoing ? play->scenario->local : remote;
	packet->destination = outgoing ? remote : play->scenario->local;
	packet->source_port = outgoing ? segment->client_port : port;
	packet->destination_port = outgoing ? port : segment->client_port;
	packet->protocol = IP_TCP;
	packet->ttl = segment->ttl;
	packet->tos = segment->tos;
	packet->ip_id = six ? 0 : segment->ip_id; /* an IPv6 header has none */
	packet->sequence = segment->sequence;
	packet->acknowledgement = segment->acknowledgement;
	packet->flags = segment->flags;
	packet->window = segment->flags & TCP_RST ? 0 : 64240;
	packet->wscale = 255;
	packet->has_timestamp = segment->timestamps;
	packet->payload = segment->payload;
	packet->payload_length = packet->payload_captured = segment->length;
}

static void fill_icmp(const struct play *play, const struct segment *segment, struct packet *packet)
{
	struct quote *quote = &packet->quote;
	packet->source = segment->from;
	packet->destination = play->scenario->local;
	packet->protocol = play->scenario->target.family == 6 ? IP_ICMP6 : IP_ICMP;
	packet->ttl = segment->ttl_of_icmp;
	packet->icmp_type = segment->icmp_type;
	packet->icmp_code = segment->icmp_code;
	*quote = (struct quote){ .present = true,
				 .has_ports = true,
				 .has_sequence = true,
				 .has_flags = !segment->short_quote,
				 .source = play->scenario->local,
				 .destination = play->scenario->target,
				 .protocol = IP_TCP,
				 .ttl = segment->quoted_ttl,
				 .tos = segment->tos,
				 .ip_id = packet->protocol == IP_ICMP6 ? 0 : segment->ip_id,
				 .source_port = segment->quoted_port,
				 .destination_port = segment->server_port,
				 .sequence = segment->sequence };
	if (quote->has_flags) {
		quote->acknowledgement = segment->acknowledgement;
		quote->flags = segment->flags;
	}
}

/* False: the capture misses it. */
static bool show_packet(struct play *play, struct packet *packet)
{
	if (dice_chance(&play->unseen, play->scenario->weather.unseen)) {
		play->frames_lost++;
		return false;
	}
	packet->number = ++play->frames;
	trace_packet(play, packet);
	(void)plan_packet(play->plan, packet);
	(void)track_packet(&play->track, packet);
	return true;
}

static void on_packet(void *context, const struct segment *segment, bool outgoing)
{
	struct play *play = context;
	struct packet packet = { .time_ns = play->model->now_ns,
				 .direction = outgoing ? DIRECTION_OUT : DIRECTION_IN,
				 .loopback = segment->loopback };
	if (segment->icmp_type != 0)
		fill_icmp(play, segment, &packet);
	else
		fill_tcp(play, segment, outgoing, &packet);
	/* As in the driver (packet_concerns() of probe/drive/loop.c), an ICMP error that quotes a
	 * port which is not ours is not looked at. */
	if (segment->icmp_type != 0 && segment->quoted_port != segment->client_port)
		return;
	if (show_packet(play, &packet))
		play->diagnosis->sent += outgoing;
}

/* -- the loop --------------------------------------------------------------------------- */

static void do_send(struct play *play, const struct action *action)
{
	int error = model_send(play->model, action);
	if (error != 0)
		tell(play, action_refused(action, error));
	play->model->now_ns += SEND_COST;
}

/* -- the reference ---------------------------------------------------------------------- */

#define REFERENCE_PORT 22

static void reference_packet(struct play *play, const struct action *action, bool out,
			     uint8_t flags, uint32_t sequence, const char *says)
{
	bool six = play->scenario->target.family == 6;
	struct address reference = address_parse(six ? "2001:db8:20::20" : "10.20.0.20");
	struct packet packet = {
		.number = ++play->frames,
		.time_ns = play->model->now_ns,
		.protocol = IP_TCP,
		.source = out ? play->scenario->local : reference,
		.destination = out ? reference : play->scenario->local,
		.source_port = out ? action->local_port : action->remote_port,
		.destination_port = out ? action->remote_port : action->local_port,
		.ttl = 64,
		.flags = flags,
		.sequence = sequence,
		.acknowledgement = out ? 501 : 101,
		.payload = (const uint8_t *)says,
		.payload_length = (uint32_t)strlen(says),
		.payload_captured = (uint32_t)strlen(says),
	};
	trace_packet(play, &packet);
	(void)plan_packet(play->plan, &packet);
	(void)track_packet(&play->track, &packet);
}

static void reference_ends(struct play *play, const struct action *action, int error,
			   const char *led_to)
{
	tell(play, (struct event){ .kind = EVENT_CONNECT,
				   .local_port = action->local_port,
				   .remote_port = action->remote_port,
				   .error = error,
				   .text = led_to });
}

/* It is in the same room: all happens at once. */
static void reference_answers(struct play *play, const struct action *action)
{
	double luck = play->scenario->reference_luck;
	reference_packet(play, action, true, TCP_SYN, 100, "");
	if (luck < 0.02) /* it is down */
		return;
	if (luck < 0.04) { /* nothing listens there */
		reference_packet(play, action, false, TCP_RST | TCP_ACK, 0, "");
		reference_ends(play, action, ECONNREFUSED, NULL);
		return;
	}
	reference_packet(play, action, false, TCP_SYN | TCP_ACK, 500, "");
	if (play->scenario->client.drops_answers && luck < 0.75)
		return;
	reference_ends(play, action, 0, NULL);
	reference_packet(play, action, true, TCP_ACK, 101, "");
	reference_packet(play, action, false, TCP_ACK | TCP_PSH, 501, "SSH-2.0-OpenSSH_9.2\r\n");
}

/* What the client's own rules do to it; one in four is about the VM's address alone. */
static void connect_reference(struct play *play, const struct action *action)
{
	enum local_out out = play->scenario->client.out;
	tell(play, (struct event){ .kind = EVENT_REFERENCE, .text = "10.20.0.20" });
	if (play->scenario->reference_luck >= 0.75)
		out = OUT_PASS;
	switch (out) {
	case OUT_DROP:
	case OUT_LATE_DROP:
		break;
	case OUT_RESET:
	case OUT_PROXY_DEAD:
		reference_ends(play, action, ECONNREFUSED, NULL);
		break;
	case OUT_REJECT:
		reference_ends(play, action, play->scenario->client.reject_error, NULL);
		break;
	case OUT_FORBIDDEN:
		reference_ends(play, action, EPERM, NULL);
		break;
	case OUT_PROXY:
	case OUT_PROXY_AWAY:
	case OUT_PROXY_HIDDEN:
		reference_ends(play, action, 0, "10.20.0.50 port 3128");
		break;
	case OUT_PASS:
		reference_answers(play, action);
		break;
	}
}

#define COUNT_EVERY MS(100)

static void tell_drops(struct play *play)
{
	struct event event = { .kind = EVENT_CAPTURE,
			       .time_ns = play->model->now_ns,
			       .value = (int64_t)play->frames_lost,
			       .text = "eth0" };
	play->frames_lost = 0;
	run_event(&play->run, &event);
	if (event.value > 0)
		plan_event(play->plan, &event);
}

static void look_at_drops(struct play *play)
{
	if (play->frames_lost == 0 || play->model->now_ns - play->counted_ns < COUNT_EVERY)
		return;
	play->counted_ns = play->model->now_ns;
	tell_drops(play);
}

/* The live driver's courier would refuse it. */
static void check_licence(struct play *play, const struct action *action)
{
	if ((action->kind != ACTION_CONNECT && action->kind != ACTION_SEND) ||
	    licence_covers(&play->licence, action))
		return;
	fprintf(stderr, "the plan does what its licence does not cover: kind %d, %u>%u flags %u\n",
		action->kind, action->local_port, action->remote_port, action->flags);
	abort();
}

/* Performs what is due; false when the plan is complete. */
static bool act(struct play *play)
{
	for (;;) {
		struct action action = plan_next(play->plan, play->model->now_ns);
		check_licence(play, &action);
		if (action.opens)
			tell(play,
			     action_opening(&action, action.to_reference ? "10.20.0.20" : NULL));
		switch (action.kind) {
		case ACTION_NONE:
			return true;
		case ACTION_DONE:
			return false;
		case ACTION_CONNECT:
			if (action.to_reference) {
				connect_reference(play, &action);
				break;
			}
			play->diagnosis->connections++;
			model_connect(play->model, &action);
			break;
		case ACTION_TALK:
			model_talk(play->model, &action);
			break;
		case ACTION_SEND:
			do_send(play, &action);
			break;
		}
	}
}

static void look_at_next_hop(struct play *play)
{
	const struct client *client = &play->scenario->client;
	if (play->model->now_ns < play->neighbour_ns || client->route_error != 0)
		return;
	play->neighbour_ns = INT64_MAX;
	tell(play, (struct event){ .kind = EVENT_NEIGHBOUR,
				   .error = client->gateway_silent ? EHOSTUNREACH : 0,
				   .value = play->scenario->vantage == VANTAGE_VNET,
				   .text = "10.20.0.1" });
}

/* What strangers send meanwhile wakes nobody. */
static void let_strangers_send(struct play *play, int64_t until)
{
	while (play->stranger.next_ns <= until) {
		struct packet packet = stranger_packet(&play->stranger);
		(void)show_packet(play, &packet);
	}
}

/* To the next moment at which something is due or happens. */
static void wait_for(struct play *play)
{
	struct model *model = play->model;
	int64_t until = plan_wakeup(play->plan), next = model_next(model);
	let_strangers_send(play, next <= until ? next : until);
	if (next <= until) {
		int64_t now = model->now_ns;
		model_step(model);
		if (model->now_ns < now) /* it happened while the driver was busy */
			model->now_ns = now;
	} else if (until > model->now_ns) {
		model->now_ns = until;
	}
}

/* Through a ProxyCommand the person's ssh connects to nothing. */
static bool is_direct(const struct scenario *scenario)
{
	return scenario->client.config == WORD_CONFIG_DIRECT ||
	       scenario->client.config == WORD_CONFIG_MAY_BE_PROXIED;
}

static void play_out(struct play *play)
{
	struct model *model = play->model;
	const struct scenario *scenario = play->scenario;
	struct plan_config config = { .control_ports = { 80, 443, CLOSED_PORT },
				      .control_count = 3,
				      .kernel_ports = FIRST_PORT,
				      .crafted_ports = FIRST_PORT + PLAN_KERNEL_PORTS,
				      .deadline_ns = STARTED + (scenario->deep ? RUN_DEADLINE_DEEP
									       : RUN_DEADLINE),
				      .deep = scenario->deep,
				      .reference = scenario->reference ? REFERENCE_PORT : 0,
				      .crafted = scenario->client.route_error == 0 ||
						 scenario->client.route_error == ENETDOWN,
				      .opinion = is_direct(scenario),
				      .tos = scenario->client.tos,
				      .full_ttl = 64 };
	memcpy(config.key, &scenario->seed, sizeof(scenario->seed));
	model_start(model, scenario, &play->workshop->phrases[scenario->target.family == 6],
		    scenario->seed, FIRST_PORT, STARTED);
	model->context = play;
	model->on_packet = on_packet;
	model->on_event = on_event;
	stranger_start(&play->stranger, scenario, FIRST_PORT, STARTED);
	play->neighbour_ns =
		STARTED + (scenario->client.gateway_silent ? NEIGHBOUR_PATIENCE : NEIGHBOUR);
	licence_grant(&play->licence, &config, play->run.port);
	play->plan = plan_new(&play->run, &config, STARTED);
	track_start(&play->track, &play->run, &play->arena);
	for (size_t i = 0; i < play->run.event_count; i++)
		track_event(&play->track, &play->run.events[i]);
	for (unsigned turn = 0; turn < TURNS_MAX && act(play); turn++) {
		wait_for(play);
		look_at_next_hop(play);
		look_at_drops(play);
	}
	tell_drops(play);
	plan_free(play->plan);
}

/* -- what the driver finds on the machine -------------------------------------------------- */

static void note(struct play *play, struct event event)
{
	event.time_ns = STARTED;
	run_event(&play->run, &event);
}

static void find_rules(struct play *play)
{
	static const struct event rules[] = {
		[RULE_FOUND_OUT] = { .value = RULE_CERTAIN, .word = WORD_RULE_DROPS },
		[RULE_FOUND_IN] = { .value = RULE_CERTAIN | RULE_INCOMING,
				    .word = WORD_RULE_DROPS },
		[RULE_FOUND_DIVERTS] = { .value = RULE_CERTAIN, .word = WORD_RULE_DIVERTS },
		[RULE_FOUND_BELOW_OUT] = { .value = RULE_CERTAIN | RULE_BELOW,
					   .word = WORD_RULE_DROPS },
		[RULE_FOUND_BELOW_IN] = { .value = RULE_CERTAIN | RULE_INCOMING | RULE_BELOW,
					  .word = WORD_RULE_DROPS },
	};
	const struct client *client = &play->scenario->client;
	if (client->rules_unread)
		return;
	bool found = client->rule != RULE_FOUND_NONE, other = client->other_rule;
	note(play,
	     (struct event){ .kind = EVENT_RULES,
			     .value = found + other,
			     .text = client->rules_hidden != NULL ? client->rules_hidden : "" });
	struct event rule = rules[client->rule];
	rule.kind = EVENT_RULE;
	rule.text = "table inet filter";
	if (found)
		note(play, rule);
	if (other) /* it may divert what it does not */
		note(play, (struct event){ .kind = EVENT_RULE,
					   .text = "table inet other",
					   .word = WORD_RULE_DIVERTS });
}

static void find_files(struct play *play)
{
	const struct client *client = &play->scenario->client;
	note(play, (struct event){ .kind = EVENT_CONFIG,
				   .text = client->config == WORD_CONFIG_DIRECT
						   ? ""
						   : "ProxyJump bastion.example",
				   .word = client->config });
	note(play, (struct event){ .kind = EVENT_MODE, .text = "~/.ssh", .word = client->modes });
}

/* The driver asks for them while the sweep goes on, and is answered within milliseconds. */
static void name_routers(struct play *play)
{
	for (unsigned i = 0; i < play->scenario->node_count; i++) {
		char text[ADDRESS_TEXT];
		const struct node *node = &play->scenario->node[i];
		if (node->name != NULL)
			note(play, (struct event){ .kind = EVENT_NAME,
						   .text = address_text(&node->address, text),
						   .detail = node->name });
	}
}

/* What is known before a plan is made. */
static void begin(struct play *play)
{
	const struct client *client = &play->scenario->client;
	scenario_ask(play->scenario, &play->run, STARTED);
	play->unseen = dice_for(play->scenario->seed, 8);
	note(play, (struct event){ .kind = EVENT_RESOLVED,
				   .error = client->name_error,
				   .text = "20.99.0.4" });
	if (client->name_error != 0)
		return;
	note(play, (struct event){ .kind = EVENT_MARK, .value = client->tos, .text = "drawn" });
	find_files(play);
	note(play, (struct event){ .kind = EVENT_ROUTE,
				   .error = client->route_error,
				   .text = "via 10.20.0.1 dev eth0" });
	find_rules(play);
	name_routers(play);
}

static void judge(struct play *play)
{
	struct facts facts;
	struct diagnosis *diagnosis = play->diagnosis;
	observe(&play->track, play->run.stopped_ns, &play->arena, &facts);
	reason(&facts, &play->run, NULL, &diagnosis->verdict);
	diagnosis->took_ns = play->run.stopped_ns - STARTED;
	for (int q = 0; q < QUESTIONS; q++) {
		diagnosis->answer[q] = facts.fact[q].answer;
		if (play->trace != NULL && facts.fact[q].answer != ANSWER_NONE)
			fprintf(play->trace, "%s.%s: %s\n", question_name((enum question)q),
				answer_name(facts.fact[q].answer), facts.fact[q].text);
	}
}

void diagnose(struct workshop *workshop, uint64_t seed, const struct draw_options *options,
	      FILE *trace, struct diagnosis *diagnosis)
{
	struct play play = { .workshop = workshop,
			     .model = &workshop->model,
			     .scenario = &diagnosis->scenario,
			     .diagnosis = diagnosis,
			     .trace = trace };
	memset(diagnosis, 0, sizeof(*diagnosis));
	scenario_draw(&diagnosis->scenario, seed, options);
	begin(&play);
	if (diagnosis->scenario.client.name_error == 0) {
		play_out(&play);
		play.run.stopped_ns = play.model->now_ns;
	} else {
		track_start(&play.track, &play.run, &play.arena);
	}
	judge(&play);
	arena_free(&play.arena);
	run_free(&play.run);
}

static uint8_t blamed(const struct diagnosis *diagnosis)
{
	const struct verdict *verdict = &diagnosis->verdict;
	if (verdict->outcome == OUTCOME_FAULT || verdict->outcome == OUTCOME_AMBIGUOUS)
		return verdict->sources[0];
	return verdict->outcome == OUTCOME_HEALTHY ? 0 : 255;
}

bool diagnosis_wrong(const struct diagnosis *diagnosis)
{
	uint8_t source = blamed(diagnosis);
	return source != 255 && diagnosis->verdict.confidence >= 0.9 &&
	       source != cause_source(diagnosis->scenario.cause);
}

bool diagnosis_inexcusable(const struct diagnosis *diagnosis)
{
	return diagnosis_wrong(diagnosis) &&
	       !(diagnosis->scenario.allowed & 1u << blamed(diagnosis));
}
