/* From a run to its report: track, observe, reason, explain. */
#include <stdio.h>
#include <string.h>

#include "observe/aside.h"
#include "observe/name.h"
#include "observe/path.h"
#include "reason/also.h"
#include "reason/next.h"
#include "sshwhy/fingerprint.h"
#include "sshwhy/guide.h"
#include "sshwhy/report.h"

#define CAUSE_SHOWN 0.01
#define NAMED_MAX   6
/* How far a fact must move a cause, as a ratio of likelihoods, to speak of it. */
#define SPEAKS_FOR     1.5
#define SPEAKS_AGAINST 0.2

struct building {
	struct report *report;
	const struct run *run;
	struct arena *arena;
	const struct track *track;
	struct facts facts;
	struct verdict verdict;
	struct guide_values values;
};

/* -- causes, evidence --------------------------------------------------------------- */

static void insert_by(enum cause *causes, size_t *count, enum cause cause,
		      const double score[CAUSES])
{
	size_t at = (*count)++;
	for (; at > 0 && score[causes[at - 1]] < score[cause]; at--)
		causes[at] = causes[at - 1];
	causes[at] = cause;
}

static void build_causes(struct building *b)
{
	enum cause order[CAUSES];
	size_t count = 0;
	for (int c = 0; c < CAUSES; c++)
		if (b->verdict.probability[c] >= CAUSE_SHOWN)
			insert_by(order, &count, (enum cause)c, b->verdict.probability);
	struct report_cause *causes = arena_alloc(b->arena, (count + 1) * sizeof(*causes));
	for (size_t i = 0; i < count; i++)
		causes[i] = (struct report_cause){ order[i], b->verdict.probability[order[i]] };
	b->report->causes = causes;
	b->report->cause_count = count;
}

/* P(answer | cause) against what all causes together would have led one to expect. */
static void leverages(const struct building *b, enum answer answer, double lever[CAUSES])
{
	double expected = 0, total = 0;
	for (int c = 0; c < CAUSES; c++) {
		double before = prior((enum cause)c, b->run);
		lever[c] = likelihood((enum cause)c, answer);
		expected += before * lever[c];
		total += before;
	}
	for (int c = 0; c < CAUSES; c++)
		lever[c] *= total / expected;
}

static void build_sides(const struct building *b, const double levers[CAUSES],
			struct report_evidence *row)
{
	enum cause *helped = arena_alloc(b->arena, CAUSES * sizeof(*helped));
	enum cause *hurt = arena_alloc(b->arena, CAUSES * sizeof(*hurt));
	double by_weight[CAUSES];
	for (int c = 0; c < CAUSES; c++) {
		double lever = levers[c];
		by_weight[c] = prior((enum cause)c, b->run);
		if (c == CAUSE_UNKNOWN || by_weight[c] <= 0)
			continue;
		by_weight[c] += 1000 * b->verdict.probability[c]; /* those left come first */
		if (lever >= SPEAKS_FOR)
			insert_by(helped, &row->for_count, (enum cause)c, by_weight);
		else if (lever <= SPEAKS_AGAINST)
			insert_by(hurt, &row->against_count, (enum cause)c, by_weight);
	}
	row->for_causes = helped;
	row->against_causes = hurt;
	if (row->for_count > NAMED_MAX)
		row->for_count = NAMED_MAX;
	if (row->against_count > NAMED_MAX)
		row->against_count = NAMED_MAX;
}

/* The facts end with report_build(): what the report says of them is its own. */
static const uint64_t *keep_packets(const struct building *b, const struct fact *fact)
{
	size_t size = fact->packet_count * sizeof(fact->packets[0]);
	uint64_t *packets = arena_alloc(b->arena, size);
	memcpy(packets, fact->packets, size);
	return packets;
}

/* A fact, and how much it moves each cause. */
struct moved {
	const struct fact *fact;
	double levers[CAUSES];
};

/* What did most for the verdict's cause is read first. */
static size_t rank_facts(const struct building *b, struct moved moved[QUESTIONS],
			 const struct moved *order[QUESTIONS])
{
	enum cause cause = b->verdict.cause;
	size_t count = 0;
	for (int q = 0; q < QUESTIONS; q++) {
		struct moved *own = &moved[count];
		own->fact = &b->facts.fact[q];
		if (own->fact->answer == ANSWER_NONE)
			continue;
		leverages(b, own->fact->answer, own->levers);
		size_t at = count++;
		for (; at > 0 && order[at - 1]->levers[cause] < own->levers[cause]; at--)
			order[at] = order[at - 1];
		order[at] = own;
	}
	return count;
}

static void build_evidence(struct building *b)
{
	struct moved moved[QUESTIONS];
	const struct moved *order[QUESTIONS];
	size_t count = rank_facts(b, moved, order);
	struct report_evidence *rows = arena_alloc(b->arena, (count + 1) * sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		const struct fact *fact = order[i]->fact;
		rows[i].fact = arena_format(b->arena, "%s.%s",
					    question_name(answer_question(fact->answer)),
					    answer_name(fact->answer));
		rows[i].question = question_text(answer_question(fact->answer));
		rows[i].text = fact->text;
		rows[i].packets = keep_packets(b, fact);
		rows[i].packet_count = fact->packet_count;
		build_sides(b, order[i]->levers, &rows[i]);
	}
	b->report->evidence = rows;
	b->report->evidence_count = count;
}

/* -- path --------------------------------------------------------------------------- */

static const char *reply_word(const struct building *b, const struct path_hop *hop)
{
	switch (hop->reply) {
	case REPLY_SYN_ACK:
		return "syn-ack";
	case REPLY_RESET:
		return "reset";
	case REPLY_EXCEEDED:
		return "time-exceeded";
	case REPLY_UNREACHABLE:
		return arena_format(b->arena, "unreachable %u/%u", hop->icmp_type, hop->icmp_code);
	default:
		return NULL;
	}
}

static struct report_hop build_hop(const struct building *b, const struct path_hop *hop,
				   uint8_t ttl)
{
	static const enum hop_reply kinds[REPLIES] = {
		[REPLY_NONE] = HOP_SILENT,	   [REPLY_SYN_ACK] = HOP_ACCEPTS,
		[REPLY_RESET] = HOP_RESETS,	   [REPLY_EXCEEDED] = HOP_PASSES_ON,
		[REPLY_UNREACHABLE] = HOP_REJECTS,
	};
	char address[ADDRESS_TEXT];
	struct report_hop row = {
		.ttl = ttl, .rtt_ms = -1, .kind = kinds[hop->reply], .reply = reply_word(b, hop)
	};
	if (hop->reply == REPLY_NONE)
		return row;
	row.address = arena_string(b->arena, address_text(&hop->address, address));
	row.rtt_ms = (double)hop->rtt_ns / 1e6;
	row.name = hop_name(b->run, &hop->address);
	row.inside = path_inside(b->run, &hop->address);
	return row;
}

/* The hops asked, as far as anything answered on any port, and one more. */
static struct report_path build_path(const struct building *b, const struct path *path)
{
	const struct paths *paths = &b->facts.paths;
	uint8_t end = paths->farthest > paths->distance ? paths->farthest : paths->distance;
	end = path->terminal != 0 ? path->terminal : (uint8_t)(end + 1);
	if (end > path->asked_to)
		end = path->asked_to;
	struct report_hop *hops = arena_alloc(b->arena, (end + 1u) * sizeof(*hops));
	for (uint8_t ttl = 1; ttl <= end; ttl++)
		hops[ttl - 1] = build_hop(b, &path->hop[ttl], ttl);
	return (struct report_path){ .port = path->port, .hops = hops, .hop_count = end };
}

static void build_paths(struct building *b)
{
	const struct paths *paths = &b->facts.paths;
	if (paths->ssh.asked_to == 0 && paths->control_count == 0)
		return;
	struct report_path *rows = arena_alloc(b->arena, (PATHS_MAX + 1) * sizeof(*rows));
	size_t count = 0;
	rows[count++] = build_path(b, &paths->ssh);
	for (size_t i = 0; i < paths->control_count; i++)
		rows[count++] = build_path(b, &paths->control[i]);
	b->report->paths = rows;
	b->report->path_count = count;
}

/* -- ssh ---------------------------------------------------------------------------- */

static const struct connection *conversation(const struct building *b)
{
	const struct exchange *exchange;
	const struct connection *last = NULL;
	for (size_t i = 0; (exchange = track_next(b->track, PURPOSE_SSH, &i)) != NULL;)
		if (exchange->connection != NULL)
			last = exchange->connection;
	return last;
}

static const char *seen_host_key(const struct building *b, const struct ssh_side *server)
{
	char type[64], fingerprint[64];
	if (server->host_key_length == 0 ||
	    !fingerprint_key_type(server->host_key, server->host_key_length, type))
		return NULL;
	return arena_format(
		b->arena, "%s %s", type,
		fingerprint_sha256(server->host_key, server->host_key_length, fingerprint));
}

static void split_methods(struct building *b, const char *text)
{
	const char **methods = arena_alloc(b->arena, 16 * sizeof(*methods));
	size_t count = 0;
	while (*text != '\0' && count < 16) {
		size_t length = strcspn(text, " ");
		if (length > 0)
			methods[count++] = arena_copy(b->arena, text, length);
		text += length;
		text += *text == ' ';
	}
	b->report->auth_methods = methods;
	b->report->auth_method_count = count;
}

static void build_ssh(struct building *b)
{
	const struct connection *connection = conversation(b);
	if (connection != NULL) {
		const struct ssh_dialog *dialog = &connection->dialog;
		const struct ssh_side *server = &dialog->side[SSH_SERVER];
		char kex[128];
		if (server->milestone >= SSH_IDENTIFIED)
			b->report->banner = arena_string(b->arena, server->ident);
		b->report->host_key = seen_host_key(b, server);
		if (server->milestone >= SSH_KEXINIT &&
		    dialog->side[SSH_CLIENT].milestone >= SSH_KEXINIT &&
		    ssh_negotiate(dialog, SSH_LIST_KEX, kex))
			b->report->kex = arena_string(b->arena, kex);
	}
	for (size_t i = 0; i < b->run->event_count; i++)
		if (b->run->events[i].kind == EVENT_AUTH)
			split_methods(b, b->run->events[i].text);
}

/* -- also, not observed ------------------------------------------------------------- */

static void add_also(struct building *b, struct report_also *rows, enum cause cause,
		     const char *text)
{
	bool told = b->report->outcome != OUTCOME_HEALTHY && cause == b->verdict.cause;
	for (size_t i = 0; i < b->report->also_count; i++)
		told |= rows[i].cause == cause;
	if (!told)
		rows[b->report->also_count++] =
			(struct report_also){ .cause = cause, .text = text };
}

/* What shows behind the first fault: the verdict of the deeper questions alone. */
static void build_behind(struct building *b, struct report_also *rows)
{
	unsigned depth = 0;
	if (b->report->outcome == OUTCOME_HEALTHY)
		return;
	for (int q = 0; q < QUESTIONS; q++) /* the depth at which the first fault shows */
		if (b->facts.fact[q].answer != ANSWER_NONE &&
		    likelihood(CAUSE_HEALTHY, b->facts.fact[q].answer) < 0.05) {
			depth = question_depth((enum question)q);
			break;
		}
	struct question_set deeper = { 0 };
	bool any = false;
	for (int q = 0; q < QUESTIONS; q++) {
		deeper.use[q] = question_depth((enum question)q) > depth &&
				!decides_of(b->verdict.cause, (enum question)q);
		any |= deeper.use[q] && b->facts.fact[q].answer != ANSWER_NONE;
	}
	struct verdict behind;
	if (!any)
		return;
	reason(&b->facts, b->run, &deeper, &behind);
	if (behind.outcome != OUTCOME_FAULT && behind.outcome != OUTCOME_AMBIGUOUS)
		return;
	add_also(b, rows, behind.cause,
		 arena_format(b->arena, "behind it, %s%s (%.0f %%): %s",
			      behind.outcome == OUTCOME_AMBIGUOUS ? "most likely " : "",
			      cause_title(behind.cause), 100 * behind.confidence,
			      b->facts.fact[QUESTION_SYN].text ? b->facts.fact[QUESTION_SYN].text
							       : cause_title(behind.cause)));
}

/* Faults found on this machine that the connection did not meet. */
static void build_asides(struct building *b, struct report_also *rows)
{
	struct aside asides[ASIDES_MAX];
	size_t count = find_asides(b->run, &b->facts, b->arena, asides);
	for (size_t i = 0; i < count; i++)
		add_also(b, rows, also_cause(asides[i].answer), asides[i].text);
}

static void build_also(struct building *b)
{
	struct report_also *rows = arena_alloc(b->arena, (ASIDES_MAX + 1) * sizeof(*rows));
	build_behind(b, rows);
	build_asides(b, rows);
	b->report->also = rows;
}

static const struct event *translating_rule(const struct run *run)
{
	for (size_t i = 0; i < run->event_count; i++)
		if (run->events[i].word == WORD_RULE_TRANSLATES ||
		    run->events[i].word == WORD_RULE_READDRESSES)
			return &run->events[i];
	return NULL;
}

static bool leaves_unseen(const struct exchange *exchange, const struct event *rule)
{
	bool connected = exchange->answered && exchange->connect_error == 0;
	return exchange->way == WAY_KERNEL && exchange->sent_count == 0 &&
	       (connected || rule != NULL);
}

/* Nothing was seen of the kernel's connection, which may have left none the less. NULL: not so. */
static const char *unseen_connection(const struct building *b)
{
	const struct exchange *exchange;
	const struct event *rule = translating_rule(b->run);
	if (!b->run->planned || fact_answer(&b->facts, QUESTION_OUT) != ANSWER_NONE)
		return NULL;
	for (size_t i = 0; (exchange = track_next(b->track, PURPOSE_SSH, &i)) != NULL;)
		if (leaves_unseen(exchange, rule))
			return arena_format(
				b->arena,
				"the connection's own packets: none is on the interfaces that were "
				"listened to; %s%s%s%s",
				rule != NULL ? "a rule of this machine's firewall gives it another "
					       "source "
					     : "it has got another source port, or has left by "
					       "another interface",
				rule == NULL			      ? ""
				: rule->word == WORD_RULE_READDRESSES ? "address"
								      : "port",
				rule != NULL ? ": " : "", rule != NULL ? rule->text : "");
	return NULL;
}

static void build_not_observed(struct building *b)
{
	const char **lines =
		arena_alloc(b->arena, (QUESTIONS + b->run->event_count + 5) * sizeof(*lines));
	const char *unseen = unseen_connection(b);
	size_t count = 0;
	if (b->run->interrupted)
		lines[count++] = "the rest of the plan: the run was interrupted";
	if (b->run->cut_short)
		lines[count++] = "the rest of the plan: the saved run was cut short";
	if (!b->run->planned)
		lines[count++] =
			"what the kernel told the client, and which packets never left it: "
			"the capture is not a run of sshwhy";
	if (unseen != NULL)
		lines[count++] = unseen;
	for (size_t i = 0; i < b->run->event_count; i++)
		if (b->run->events[i].kind == EVENT_LIMIT)
			lines[count++] = arena_string(b->arena, b->run->events[i].text);
	if (b->track->kept.refused > 0)
		lines[count++] = arena_format(
			b->arena,
			"connections and packets beyond those that there was room to follow "
			"(%llu): silence proves nothing",
			(unsigned long long)b->track->kept.refused);
	if (b->report->host_key == NULL)
		lines[count++] = b->report->banner == NULL ? "host key: no handshake"
							   : "host key: no key exchange";
	b->report->not_observed = lines;
	b->report->not_observed_count = count;
}

/* -- summary, fixes ----------------------------------------------------------------- */

/* The texts of the facts that did most, in a row. */
static const char *because(const struct building *b)
{
	const char *text = "";
	size_t told = 0;
	for (size_t i = 0; i < b->report->evidence_count && told < 3; i++) {
		const struct report_evidence *row = &b->report->evidence[i];
		if (row->for_count == 0 && told > 0)
			continue;
		text = arena_format(b->arena, "%s%s%s", text, told++ ? "; " : "", row->text);
	}
	return text;
}

/* Of a way over a jump host its first leg is what is seen. */
static const char *behind_jump_host(const struct building *b)
{
	for (size_t i = 0; i < b->run->event_count; i++)
		if (b->run->events[i].word == WORD_LIMIT_BEHIND)
			return arena_format(b->arena, "this leg is well; not seen is %s",
					    b->run->events[i].text);
	return "this leg is well, what is behind it was not seen";
}

static void build_summary(struct building *b)
{
	struct report *report = b->report;
	const char *what = cause_title(b->verdict.cause);
	if (report->outcome == OUTCOME_UNKNOWN)
		what = b->verdict.cause == CAUSE_UNKNOWN
			       ? "the evidence fits none of the documented causes"
		       : b->run->via != NULL && b->verdict.cause == CAUSE_HEALTHY
			       ? behind_jump_host(b)
			       : "too little was seen to name a cause";
	else if (report->outcome == OUTCOME_AMBIGUOUS)
		what = arena_format(b->arena, "most likely %s, but %zu sources are left", what,
				    report->source_count);
	const char *why = because(b);
	const char *leg = "";
	if (report->via != NULL) /* all that follows is about that one */
		leg = arena_format(b->arena, "on the way to the jump host %s: ", report->via);
	report->summary = arena_format(b->arena, "%s%s%s%s.", leg, what, *why ? ": " : "", why);
}

/* Where SSH answers instead. */
static uint16_t find_sshd_port(const struct building *b)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(b->track, PURPOSE_ELSEWHERE, &i)) != NULL;)
		if (exchange->connection != NULL &&
		    exchange->connection->dialog.side[SSH_SERVER].milestone >= SSH_IDENTIFIED)
			return exchange->remote_port;
	return 0;
}

static void build_fixes(struct building *b, const struct report_options *options)
{
	char client[ADDRESS_TEXT];
	b->values = (struct guide_values){
		.group = options->group,
		.vm = options->vm,
		.host = run_name(b->run),
		.typed = b->run->via != NULL ? NULL : b->run->host,
		.user = b->run->user,
		.address = b->report->address,
		.interface = b->run->interface,
		.port = b->run->port,
		.sshd_port = find_sshd_port(b),
		.classic = b->run->deployment == DEPLOYMENT_CLASSIC,
	};
	if (b->run->local_address.family != 0)
		b->values.client =
			arena_string(b->arena, address_text(&b->run->local_address, client));
	if (b->report->outcome != OUTCOME_FAULT && b->report->outcome != OUTCOME_AMBIGUOUS)
		return;
	b->report->fixes =
		guide_fixes(b->arena, b->verdict.cause, &b->values, &b->report->fix_count);
	if (b->report->outcome == OUTCOME_AMBIGUOUS)
		b->report->next = next_rank(b->arena, &b->verdict, &b->facts, b->run, &b->values,
					    &b->report->next_count);
}

static void build_question(struct building *b)
{
	struct report *report = b->report;
	const struct run *run = b->run;
	char text[ADDRESS_TEXT];
	report->host = run->host;
	report->hostname = run->hostname;
	report->via = run->via;
	report->port = run->port;
	if (run->address.family != 0)
		report->address = arena_string(b->arena, address_text(&run->address, text));
	if (run->local_address.family != 0)
		report->local_address =
			arena_string(b->arena, address_text(&run->local_address, text));
	if (run->vantage < VANTAGES)
		report->vantage = vantage_names[run->vantage];
	report->deployment = deployment_names[run->deployment];
	report->interface = run->interface;
	report->started_ns = run->started_ns;
	report->duration_seconds = (double)(run->stopped_ns - run->started_ns) / 1e9;
}

/* Where nothing can be told, no name is given that somebody could read out of it. */
static void take_verdict(struct building *b)
{
	const struct verdict *verdict = &b->verdict;
	struct report *report = b->report;
	bool told = verdict->outcome != OUTCOME_UNKNOWN;
	report->outcome = verdict->outcome;
	report->cause = told ? verdict->cause : CAUSE_UNKNOWN;
	report->confidence = told ? verdict->confidence : verdict->probability[CAUSE_UNKNOWN];
	report->source_count = verdict->source_count;
	memcpy(report->sources, verdict->sources, sizeof(report->sources));
}

void report_build_facts(struct report *report, const struct track *track, const struct facts *facts,
			const struct report_options *options, struct arena *arena)
{
	const struct run *run = track->run;
	struct building b = {
		.report = report, .run = run, .arena = arena, .track = track, .facts = *facts
	};
	memset(report, 0, sizeof(*report));
	reason(&b.facts, run, NULL, &b.verdict);
	take_verdict(&b);
	build_question(&b);
	build_causes(&b);
	build_evidence(&b);
	build_paths(&b);
	build_ssh(&b);
	build_fixes(&b, options);
	build_also(&b);
	build_summary(&b);
	build_not_observed(&b);
}

void report_build_tracked(struct report *report, const struct track *track, int64_t now_ns,
			  const struct report_options *options, struct arena *arena)
{
	struct facts facts;
	observe(track, now_ns, arena, &facts);
	report_build_facts(report, track, &facts, options, arena);
}

void report_build(struct report *report, const struct run *run,
		  const struct report_options *options, struct arena *arena)
{
	struct track track;
	track_start(&track, run, arena);
	track_run(&track);
	report_build_tracked(report, &track, run->stopped_ns, options, arena);
}
