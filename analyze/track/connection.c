#include "track/connection.h"

#include "sshwhy/patience.h"

#define FAR_TTL 32 /* more hops than ways have */

static uint8_t shift_of(const struct packet *syn_ack, const struct sent *syn)
{
	enum { NO_SHIFT = 255, MAX_SHIFT = 14 }; /* RFC 7323 2.3 */
	if (syn->wscale == NO_SHIFT || syn_ack->wscale == NO_SHIFT)
		return 0;
	return syn->wscale < MAX_SHIFT ? syn->wscale : MAX_SHIFT;
}

struct connection *connection_new(struct arena *arena, const struct packet *syn_ack,
				  const struct sent *syn)
{
	struct connection *connection = arena_alloc(arena, sizeof(*connection));
	connection->syn_ack_frame = syn_ack->number;
	connection->syn_ack_ttl = syn_ack->ttl;
	connection->last_ns = connection->progress_ns = connection->syn_ack_ns = syn_ack->time_ns;
	connection->loopback = syn_ack->loopback;
	connection->syn_ack_window = syn_ack->window;
	connection->client_first = connection->client_next = syn_ack->acknowledgement;
	connection->server_acked = syn_ack->acknowledgement;
	connection->client_sent = syn_ack->acknowledgement;
	connection->client_window = UINT16_MAX;
	connection->client_shift = shift_of(syn_ack, syn);
	connection->server_first = connection->server_next = syn_ack->sequence + 1;
	connection->server_heard = connection->server_first;
	connection->server_claimed = connection->server_first;
	stream_start(&connection->stream[SSH_CLIENT], connection->client_first);
	stream_start(&connection->stream[SSH_SERVER], connection->server_first);
	return connection;
}

/* Bytes of one direction: into the stream, and from there into the dialogue. */
static void take_payload(struct connection *connection, enum ssh_peer peer,
			 const struct packet *packet)
{
	uint32_t *next = &connection->client_next;
	if (peer == SSH_SERVER)
		next = &connection->server_next;
	uint32_t end = packet->sequence + packet->payload_length;
	if (sequence_after(end, *next)) {
		bool first = connection->flights[SSH_CLIENT] + connection->flights[SSH_SERVER] == 0;
		if (first || connection->server_spoke_last != (peer == SSH_SERVER))
			connection->flights[peer]++;
		connection->server_spoke_last = peer == SSH_SERVER;
		if (connection->dialog.side[peer].milestone == SSH_NEWKEYS)
			connection->encrypted[peer] += end - *next;
		*next = end;
		connection->progress_ns = packet->time_ns;
	}
	if (stream_segment(&connection->stream[peer], packet->sequence, packet->payload,
			   packet->payload_captured, packet->payload_length))
		(void)ssh_dialog_read(&connection->dialog, peer, &connection->stream[peer]);
}

static void await_acknowledgement(struct connection *connection, const struct packet *packet)
{
	struct awaited *awaited = &connection->awaited;
	if (awaited->sent > 0 && sequence_after(packet->sequence, awaited->sequence))
		awaited->behind++;
	if (packet->sequence != connection->server_acked || packet->payload_length == 0)
		return;
	/* Bytes at the end of one copy that the next leaves out go in a segment of their own,
	 * behind it. */
	if (awaited->sent > 0 && packet->payload_length < awaited->length &&
	    awaited->sequence == packet->sequence)
		awaited->behind++;
	if (awaited->sent == 0 || awaited->sequence != packet->sequence)
		*awaited = (struct awaited){ .sequence = packet->sequence,
					     .first_ns = packet->time_ns };
	awaited->sent++;
	awaited->length = packet->payload_length;
	awaited->frame = packet->number;
}

/* What the server's acknowledgement says of the segment it waited for. */
static void awaited_hears(struct connection *connection, const struct packet *packet)
{
	struct awaited *awaited = &connection->awaited;
	if (awaited->sent == 0)
		return;
	if (sequence_after(packet->acknowledgement, awaited->sequence)) {
		if (awaited->length > connection->longest_acked)
			connection->longest_acked = awaited->length;
		connection->acked_segments++;
		connection->repeated += awaited->sent - 1;
		awaited->sent = 0;
	} else if (packet->acknowledgement == awaited->sequence) {
		if (packet->has_sack && awaited->selected_frame == 0)
			awaited->selected_frame = packet->number;
		awaited->repeated |= packet->payload_length == 0;
	}
}

/* Keeps when copies of acknowledged words left; but not of those that are to end before the VM,
 * which nobody acknowledges. */
static void note_again(struct connection *connection, const struct packet *packet)
{
	uint32_t end = packet->sequence + packet->payload_length;
	if (packet->payload_length > 0 && !sequence_after(end, connection->server_acked) &&
	    packet->ttl > FAR_TTL && connection->again_sent < AGAIN_MAX)
		connection->again_ns[connection->again_sent++] = packet->time_ns;
}

void connection_sent(struct connection *connection, const struct packet *packet)
{
	uint32_t end = packet->sequence + packet->payload_length;
	end += (packet->flags & TCP_FIN) != 0;
	if (sequence_after(end, connection->client_sent))
		connection->client_sent = end;
}

/* The client goes on with what the server said after the reset: it did not take it. */
static void withdraw_reset(struct connection *connection)
{
	connection->server_reset_doubtful = false;
	connection->server_reset_frame = 0;
	connection->server_data_after_end = false;
	if (connection->server_fin_frame == 0) {
		connection->server_end_ns = 0;
		connection->server_end_ttl = 0;
		connection->server_end_local = false;
	}
}

static void client_hears(struct connection *connection, const struct packet *packet)
{
	uint32_t window = (uint32_t)packet->window << connection->client_shift;
	if (window > connection->client_window)
		connection->client_window = window;
	if (sequence_after(packet->acknowledgement, connection->server_heard))
		connection->server_heard = packet->acknowledgement;
	if (connection->server_reset_doubtful &&
	    sequence_after(packet->acknowledgement, connection->server_reset_next))
		withdraw_reset(connection);
}

static void note_last(struct connection *connection, const struct packet *packet)
{
	if (packet->time_ns > connection->last_ns)
		connection->last_ns = packet->time_ns;
}

void connection_client(struct connection *connection, const struct packet *packet)
{
	connection->loopback |= packet->loopback;
	note_last(connection, packet);
	if (packet->flags & TCP_ACK) {
		connection->established = true;
		if (!(packet->flags & TCP_RST))
			client_hears(connection, packet);
	}
	if (packet->payload_length > 0 || packet->flags & TCP_FIN)
		await_acknowledgement(connection, packet);
	note_again(connection, packet);
	connection->client_timestamps = packet->has_timestamp;
	if (packet->has_timestamp) {
		connection->timestamp_value = packet->timestamp_value;
		connection->timestamp_echo = packet->timestamp_echo;
	}
	if (packet->payload_length > 0) {
		if (packet->sequence == connection->client_first)
			connection->client_data_sent++;
		if (connection->client_data_frame == 0) {
			connection->client_data_frame = packet->number;
			connection->client_data_ns = packet->time_ns;
			connection->client_data_length = packet->payload_length;
		}
		take_payload(connection, SSH_CLIENT, packet);
	}
	bool ends = (packet->flags & (TCP_FIN | TCP_RST)) != 0;
	if (ends && connection->client_end_ns == 0) {
		connection->client_end_ns = packet->time_ns;
		connection->client_end_ttl = packet->ttl;
	}
	if ((packet->flags & TCP_FIN) && connection->client_fin_frame == 0)
		connection->client_fin_frame = packet->number;
	if ((packet->flags & TCP_RST) && connection->client_reset_frame == 0)
		connection->client_reset_frame = packet->number;
}

/* -- what the client's TCP takes of the server ------------------------------------ */

/* So far back a segment may be that came late or twice. It says nothing new, but others
 * count how often it came. */
#define LATE_BYTES (UINT32_C(1) << 20)

/* Whether a sequence number is one of `from` to `to`, both included, or of the `before` and `after`
 * numbers beside them. */
static bool is_within(uint32_t number, uint32_t from, uint32_t to, uint32_t before, uint32_t after)
{
	return number - (from - before) <= to - from + before + after;
}

static uint32_t late_bytes(uint32_t first, uint32_t now)
{
	return now - first < LATE_BYTES ? now - first : LATE_BYTES;
}

/* RFC 9293 3.10.7.4 without an ACK "drop the segment", and RFC 5961 5.2: an acknowledgement of
 * what was sent, or one that is somewhat older. */
static bool acknowledges_ours(const struct connection *connection, const struct packet *packet,
			      uint32_t slack)
{
	uint32_t acked = connection->server_acked, sent = connection->client_sent;
	if (sequence_after(acked, sent)) /* of what the capture does not hold */
		sent = acked;
	return (packet->flags & TCP_ACK) &&
	       is_within(packet->acknowledgement, acked, sent,
			 late_bytes(connection->client_first, acked) + slack, slack);
}

/* The client's own acknowledgement is the least that it has; a keep-alive stands one byte
 * before (RFC 9293 3.8.4). */
static bool stands_in_window(const struct connection *connection, const struct packet *packet,
			     uint32_t slack)
{
	uint32_t heard = connection->server_heard;
	return is_within(packet->sequence, heard, heard + connection->client_window,
			 late_bytes(connection->server_first, heard) + 1 + slack, slack);
}

bool connection_takes(const struct connection *connection, const struct packet *packet,
		      uint32_t slack)
{
	return acknowledges_ours(connection, packet, slack) &&
	       stands_in_window(connection, packet, slack);
}

bool connection_said(const struct connection *connection, uint32_t sequence, uint32_t slack)
{
	uint32_t first = connection->client_first - 1; /* the SYN */
	uint32_t sent = connection->client_sent;
	if (sequence_after(connection->server_acked, sent))
		sent = connection->server_acked;
	return is_within(sequence, first, sent, slack, slack);
}

/* RFC 5961 3.2: at RCV.NXT, which is what the client last acknowledged or, where it has not yet,
 * behind what came since. */
static bool stands_next(const struct connection *connection, uint32_t sequence)
{
	uint32_t heard = connection->server_heard;
	uint32_t next = connection->server_next + (connection->server_fin_frame != 0);
	if (sequence_after(heard, next))
		next = heard;
	return is_within(sequence, heard, next, 0, 0);
}

/* One behind words or a FIN that were lost, the client's TCP answers with an ACK instead of taking
 * it. Where it acknowledges what the client sent it is the server's none the less: who does not
 * see the conversation cannot know both numbers. */
bool connection_is_reset_by(const struct connection *connection, const struct packet *packet,
			    uint32_t slack)
{
	return stands_next(connection, packet->sequence) ||
	       connection_takes(connection, packet, slack);
}

static void note_server_end(struct connection *connection, const struct packet *packet)
{
	if (connection->server_end_ns == 0) {
		connection->server_end_ns = packet->time_ns;
		connection->server_end_ttl = packet->ttl;
		connection->server_end_local = packet->loopback && !connection->loopback;
	}
	if ((packet->flags & TCP_FIN) && connection->server_fin_frame == 0)
		connection->server_fin_frame = packet->number;
	if ((packet->flags & TCP_RST) && connection->server_reset_frame == 0) {
		connection->server_reset_doubtful = !connection_is_reset_by(connection, packet, 0);
		connection->server_reset_next = connection->server_next;
		connection->server_reset_frame = packet->number;
		connection->server_reset_bare = !(packet->flags & TCP_ACK);
		connection->server_reset_sequence = packet->sequence;
	}
}

/* Later than the least timeout: it is TCP that repeats it, not a network that doubles it. */
static bool is_repeated(const struct connection *connection, const struct packet *packet)
{
	uint32_t end = packet->sequence + packet->payload_length;
	return packet->payload_length > 0 && !sequence_after(end, connection->server_next) &&
	       packet->time_ns - connection->progress_ns >= LEAST_TIMEOUT / 2;
}

void connection_server(struct connection *connection, const struct packet *packet)
{
	note_last(connection, packet);
	connection->server_repeated += is_repeated(connection, packet);
	if ((packet->flags & TCP_ACK) && !(packet->flags & TCP_RST))
		awaited_hears(connection, packet);
	bool bare = packet->payload_length == 0 && !(packet->flags & (TCP_SYN | TCP_RST | TCP_FIN));
	if (bare && packet->acknowledgement == connection->server_acked)
		connection->acked_again++;
	if ((packet->flags & TCP_ACK) && !(packet->flags & TCP_RST) &&
	    sequence_after(packet->acknowledgement, connection->server_acked)) {
		connection->server_acked = packet->acknowledgement;
		connection->progress_ns = packet->time_ns;
		if (connection->client_acked_frame == 0 && connection->client_data_frame != 0)
			connection->client_acked_frame = packet->number;
	}
	/* a bare acknowledgement stands where the next byte would: what is before it was sent */
	if (bare && sequence_after(packet->sequence, connection->server_claimed)) {
		connection->server_claimed = packet->sequence;
		connection->server_claimed_frame = packet->number;
	}
	if (packet->payload_length > 0 && !(packet->flags & TCP_RST)) {
		if (connection->server_data_frame == 0) {
			connection->server_data_frame = packet->number;
			connection->server_data_ns = packet->time_ns;
		}
		if (packet->payload_length > connection->longest_received)
			connection->longest_received = packet->payload_length;
		if (connection->server_reset_frame != 0 &&
		    sequence_after(packet->sequence + packet->payload_length,
				   connection->server_reset_sequence))
			connection->server_data_after_end = true;
		take_payload(connection, SSH_SERVER, packet);
	}
	if (packet->flags & (TCP_FIN | TCP_RST))
		note_server_end(connection, packet);
}
