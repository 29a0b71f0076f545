#include "traffic/dossier.h"

#include <stdio.h>

#include "sshwhy/fingerprint.h"
#include "sshwhy/patience.h"

/* How an attempt ended for the client: those in a row that ended alike are read as one. */
enum fate { FATE_SILENT, FATE_REFUSED, FATE_CONNECTED };

static enum fate fate_of(const struct attempt *attempt)
{
	if (attempt->bits & (ATTEMPT_ANSWER | ATTEMPT_CONNECTED | ATTEMPT_MIDSTREAM))
		return FATE_CONNECTED;
	return attempt->bits & ATTEMPT_REFUSED ? FATE_REFUSED : FATE_SILENT;
}

bool attempt_lacks_packets(const struct attempt *attempt)
{
	bool server = attempt->bits & ATTEMPT_SERVER_END,
	     client = attempt->bits & ATTEMPT_CLIENT_END;
	bool from_start = attempt->bits & ATTEMPT_SYN;
	if (attempt->bits & ATTEMPT_CLIENT_ACK &&
	    (server ? sequence_after(attempt->client_ack, attempt->server_end) : from_start))
		return true;
	return attempt->bits & ATTEMPT_SERVER_ACK &&
	       (client ? sequence_after(attempt->server_ack, attempt->client_end) : true);
}

/* -- the run that the rest of the analysis knows ------------------------------------------ */

static void add_limit(struct run *run, const char *text)
{
	run_event(run, &(struct event){ .kind = EVENT_LIMIT, .text = text });
}

static void add_place(struct run *run, const struct dossier *d)
{
	run->vantage = d->vantage;
	if (d->place == WORD_NONE)
		return;
	run_event(run,
		  &(struct event){ .kind = EVENT_PLACE, .word = d->place, .text = d->place_text });
	if (run->vantage == VANTAGE_UNKNOWN)
		add_limit(run, "the vantage point: where the capture was taken does not show "
			       "(--vantage tells it)");
}

static void add_gaps(struct run *run, const struct dossier *d)
{
	bool lacking = false, midstream = false;
	for (unsigned i = 0; i < d->attempt_count; i++) {
		lacking |= attempt_lacks_packets(&d->attempts[i]);
		midstream |= (d->attempts[i].bits & ATTEMPT_MIDSTREAM) != 0;
	}
	if (d->lost > 0 || lacking)
		run_event(run, &(struct event){ .kind = EVENT_CAPTURE,
						.text = "",
						.value = d->lost > 0 ? (int64_t)d->lost : 1 });
	if (d->lost > 0)
		add_limit(run, arena_format(&run->arena,
					    "silence: the capture lost %llu frames, so that it "
					    "proves nothing",
					    (unsigned long long)d->lost));
	else if (lacking)
		add_limit(run, "silence: packets that were answered are missing from the capture, "
			       "so that it proves nothing");
	if (midstream)
		add_limit(run, "the beginning: the capture starts in the middle of a connection");
	if (d->hurried)
		add_limit(run, "what followed: there was no room for more conversations at once");
	if (d->forgotten > 0)
		add_limit(run,
			  arena_format(
				  &run->arena,
				  "%llu other conversations that never began (a flood of SYNs?): "
				  "there was no room for them",
				  (unsigned long long)d->forgotten));
}

void dossier_run(const struct dossier *d, struct run *run)
{
	const struct conversation *c = &d->conversation;
	char text[ADDRESS_TEXT];
	*run = (struct run){
		.address = c->server,
		.port = c->port,
		.local_address = c->client,
		.interface = d->interface,
		.started_ns = c->first_ns,
		.stopped_ns = c->last_ns,
	};
	run->host = arena_string(&run->arena, address_text(&c->server, text));
	add_place(run, d);
	add_gaps(run, d);
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

static void feed_track(struct track *track, const struct dossier *d, const struct attempt *attempt,
		       uint8_t *payload)
{
	struct replay replay = recording_replay(d->pool, &attempt->recording, payload);
	struct packet packet;
	bool from_client;
	while (replay_next(&replay, &packet, &from_client)) {
		give_ends(&packet, &d->conversation, attempt->client_port, from_client);
		(void)track_packet(track, &packet);
	}
}

/* A later connection from the same port takes the earlier one's place. */
static bool port_is_taken_over(const struct dossier *d, size_t first, size_t index)
{
	for (size_t i = first; i < index; i++)
		if (d->attempts[i].client_port == d->attempts[index].client_port)
			return true;
	return false;
}

/* What is known of the key that the server shows: no packet tells. */
static void judge_key(const struct dossier *d, const struct exchange *exchange, struct run *run)
{
	const struct conversation *c = &d->conversation;
	const struct ssh_side *server = &exchange->connection->dialog.side[SSH_SERVER];
	char type[64], fingerprint[64], why[512], text[160];
	if (server->host_key_length == 0 ||
	    !fingerprint_key_type(server->host_key, server->host_key_length, type))
		return;
	fingerprint_sha256(server->host_key, server->host_key_length, fingerprint);
	struct shown_key key = {
		.server = &c->server, .port = c->port, .type = type, .fingerprint = fingerprint
	};
	enum event_word word = d->keys->judge(d->keys->context, &key, why, sizeof(why));
	snprintf(text, sizeof(text), "%s %s", type, fingerprint);
	run_event(run, &(struct event){ .kind = EVENT_HOST_KEY,
					.time_ns = c->last_ns,
					.word = word,
					.local_port = exchange->local_port,
					.text = text,
					.detail = why });
}

static void judge_keys(const struct dossier *d, const struct track *track, struct run *run)
{
	for (size_t i = 0; d->keys != NULL && i < track->count; i++)
		if (track->exchanges[i]->connection != NULL)
			judge_key(d, track->exchanges[i], run);
}

size_t dossier_track(const struct dossier *d, size_t first, uint8_t *payload, struct track *track,
		     struct run *run)
{
	size_t end = first;
	while (end < d->attempt_count && fate_of(&d->attempts[end]) == fate_of(&d->attempts[first]))
		end++;
	track_start(track, run, &run->arena);
	for (size_t i = end; i-- > first;)
		if (!port_is_taken_over(d, first, i))
			feed_track(track, d, &d->attempts[i], payload);
	judge_keys(d, track, run);
	return end;
}

/* When its first packet that was written down came. */
static int64_t began_ns(const struct dossier *d, const struct attempt *attempt, uint8_t *payload)
{
	struct replay replay = recording_replay(d->pool, &attempt->recording, payload);
	struct packet packet;
	bool from_client;
	return replay_next(&replay, &packet, &from_client) ? packet.time_ns : 0;
}

/* A limit of new connections lets some of them pass, and forgets them after a while (ufw limit:
 * five within 30 s; recipes for iptables: three within 60 s). What breaks by itself need not come
 * so. */
#define LIMIT_LEAST 3
#define LIMIT_SPAN  SECONDS(60)

/* How many attempts in a row, from `newest` on, stood and began not long before. */
static size_t stood_before(const struct dossier *d, size_t newest, int64_t time_ns,
			   uint8_t *payload)
{
	size_t oldest = newest;
	while (oldest < d->attempt_count && fate_of(&d->attempts[oldest]) == FATE_CONNECTED &&
	       time_ns - began_ns(d, &d->attempts[oldest], payload) <= LIMIT_SPAN)
		oldest++;
	return oldest - newest;
}

static void tell_earlier(struct run *run, const struct dossier *d, size_t first, uint8_t *payload)
{
	size_t end = first;
	while (end < d->attempt_count && fate_of(&d->attempts[end]) == fate_of(&d->attempts[first]))
		end++;
	if (fate_of(&d->attempts[first]) == FATE_CONNECTED)
		return;
	int64_t failed_ns = began_ns(d, &d->attempts[end - 1], payload);
	size_t stood = stood_before(d, end, failed_ns, payload);
	if (stood < LIMIT_LEAST)
		return;
	int64_t later_ns = failed_ns - began_ns(d, &d->attempts[end], payload);
	run_event(run,
		  &(struct event){ .kind = EVENT_EARLIER,
				   .time_ns = d->conversation.last_ns,
				   .value = later_ns / MILLISECONDS(1),
				   .text = arena_format(&run->arena, "%zu connections", stood) });
}

/* The last attempts tell how it stands. One that the capture's end cut off tells nothing:
 * then those before it do. */
void dossier_report(const struct dossier *d, const struct report_options *options, uint8_t *payload,
		    traffic_settled *settled, void *context)
{
	for (size_t first = 0; first < d->attempt_count; first++) {
		struct run run;
		struct track track;
		struct report report;
		dossier_run(d, &run);
		tell_earlier(&run, d, first, payload);
		(void)dossier_track(d, first, payload, &track, &run);
		report_build_tracked(&report, &track, d->now_ns, options, &run.arena);
		report.attempts = d->conversation.attempts;
		bool last = first + 1 == d->attempt_count;
		bool tells = report.outcome != OUTCOME_UNKNOWN;
		if (tells || last)
			settled(context, &report);
		run_free(&run);
		if (tells)
			break;
	}
}
