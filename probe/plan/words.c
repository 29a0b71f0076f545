#include "plan/words.h"

#include "plan/actions.h"

/* -- which bytes -------------------------------------------------------------------------- */

struct passage {
	uint32_t sequence, length;
};

static uint32_t said_length(const struct connection *connection)
{
	return connection->stream[SSH_CLIENT].length;
}

/* The client's first segment, no more. */
static struct passage first_words(const struct connection *connection)
{
	uint32_t length = connection->client_data_length;
	if (length > said_length(connection))
		length = said_length(connection);
	return (struct passage){ connection->client_first, length };
}

/* Those that the server waits for, where they are known and short; or else the first. */
static struct passage awaited_words(const struct connection *connection)
{
	const struct awaited *awaited = &connection->awaited;
	uint32_t offset = awaited->sequence - connection->client_first;
	if (awaited->sent == 0 || awaited->length > PLAN_PAYLOAD_MAX ||
	    offset + awaited->length > said_length(connection))
		return first_words(connection);
	return (struct passage){ awaited->sequence, awaited->length };
}

static struct action copy_of(struct plan *plan, struct passage passage, uint8_t ttl)
{
	const struct exchange *exchange = kernel_exchange(plan);
	const struct connection *connection = exchange->connection;
	struct segment_name name = {
		.purpose = PURPOSE_INSESSION,
		.local_port = exchange->local_port,
		.remote_port = exchange->remote_port,
		.ttl = ttl,
		.flags = TCP_ACK | TCP_PSH,
	};
	struct action action = action_segment(plan, &name);
	action.sequence = passage.sequence;
	action.acknowledgement = connection->server_heard; /* what the kernel has, no more */
	action.has_timestamp = connection->client_timestamps;
	action.timestamp_value = connection->timestamp_value;
	action.timestamp_echo = connection->timestamp_echo;
	action.payload = connection->stream[SSH_CLIENT].bytes +
			 (passage.sequence - connection->client_first);
	action.payload_length =
		passage.length < PLAN_PAYLOAD_MAX ? passage.length : PLAN_PAYLOAD_MAX;
	return action;
}

/* -- copies that are to be heard ------------------------------------------------------------ */

static bool is_over(const struct plan *plan, const struct connection *connection)
{
	return kernel_exchange(plan)->talk_ended || connection->server_end_ns != 0 ||
	       connection->client_end_ns != 0;
}

/* Each side has heard the other, and something new came a short while ago. */
static bool goes_on(const struct connection *connection, int64_t now_ns)
{
	return connection->client_acked_frame != 0 && connection->server_data_frame != 0 &&
	       now_ns - connection->progress_ns < REPEAT_WORDS;
}

/* What is seen is no accident, or the way was heard of often enough and loses nothing. */
static bool repeated_enough(const struct plan *plan, const struct connection *connection,
			    const struct moment *moment)
{
	const struct fact *ssh = &moment->facts.fact[QUESTION_SSH];
	bool heard = connection->acked_again >= ECHOES && !packets_lost(moment);
	bool sure = ssh->answer != ANSWER_NONE && ssh->accident < NO_CHANCE;
	return heard || sure || plan->words.repeated == REPETITIONS;
}

/* The kernel sends its words again after ever longer times. Further copies, at short times,
 * tell two pairs of causes apart that look the same at first:
 * - the client's words go unheard: if the way only loses packets, one of many copies arrives;
 *   a filter takes them all.
 * - the server's words do not come: to a copy of what it has already got it answers with an
 *   acknowledgement whose sequence number is the end of all that it has said (RFC 9293
 *   3.10.7.4). So it shows whether it said nothing, or what it said was lost; and how many of
 *   these answers come back shows how much the way loses. */
bool words_are_due(const struct plan *plan, const struct moment *moment)
{
	const struct connection *connection = kernel_connection(plan);
	int64_t now_ns = moment->now_ns;
	if (!plan->config.crafted || connection == NULL || connection->client_data_frame == 0 ||
	    said_length(connection) == 0 || port_has_shut(moment))
		return false;
	return !is_over(plan, connection) && !goes_on(connection, now_ns) &&
	       now_ns - connection->client_data_ns >= REPEAT_WORDS &&
	       now_ns - plan->words.repeated_ns >= REPEAT_AFTER &&
	       !repeated_enough(plan, connection, moment);
}

/* In turn the first words, which are answered if the way is sound, and those that the server
 * waits for. */
void words_repeat(struct plan *plan, const struct moment *moment)
{
	const struct connection *connection = kernel_connection(plan);
	bool first = plan->words.repeated++ % 2 == 0;
	plan->words.repeated_ns = moment->now_ns;
	struct action action =
		copy_of(plan, first ? first_words(connection) : awaited_words(connection),
			plan->config.full_ttl);
	agenda_add(&plan->agenda, moment->now_ns, &action);
}

/* -- passes inside the connection ---------------------------------------------------------------
 */

static unsigned passes_wanted(const struct moment *moment)
{
	bool unclear = answer_to(moment, QUESTION_CUTTER) == ANSWER_NONE;
	switch (answer_to(moment, QUESTION_SSH)) {
	case ANSWER_SSH_CUT:
	case ANSWER_SSH_KEX_CUT:
		return CUT_PASSES;
	case ANSWER_SSH_SWALLOWED:
	case ANSWER_SSH_DEAF:
		return unclear ? UNCLEAR_PASSES : SILENT_PASSES;
	default:
		return 0;
	}
}

bool words_pass_is_wanted(const struct plan *plan, const struct moment *moment)
{
	return plan->config.crafted && plan->words.passes < passes_wanted(moment);
}

/* Each copy carries its TTL in the IP ID and, as an older but valid acknowledgement, in the
 * sequence number that a reset for it would have. */
void words_begin_pass(struct plan *plan, const struct moment *moment)
{
	const struct connection *connection = kernel_connection(plan);
	const struct paths *paths = &moment->facts.paths;
	plan->words.passes++;
	plan->pass_ns = moment->now_ns;
	if (connection == NULL || said_length(connection) == 0)
		return;
	uint8_t end =
		paths->ssh.terminal != 0 ? paths->ssh.terminal : (uint8_t)(paths->farthest + 1);
	struct syn syn = {
		.slot = SLOT_SWEEP,
		.way = WAY_LINK,
		.purpose = PURPOSE_SWEEP,
		.remote_port = plan->run->port,
		.attempt = pass_number(plan),
	};
	int64_t due_ns = moment->now_ns;
	for (syn.ttl = 1; syn.ttl < end; syn.ttl++, due_ns += TTL_GAP) {
		struct action copy = copy_of(plan, first_words(connection), syn.ttl);
		copy.acknowledgement -= syn.ttl;
		agenda_add(&plan->agenda, due_ns, &copy);
		send_syn(plan, due_ns + COPY_TO_SYN, &syn);
	}
}
