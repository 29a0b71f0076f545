#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "plan/cookie.h"

/* -- pace ----------------------------------------------------------------------- */

#define ANSWER_WAIT MILLISECONDS(250) /* a healthy VM answers within; after it the sweep begins */
#define TALK_WAIT   MILLISECONDS(700) /* the same for the SSH conversation */
#define STEP	    MILLISECONDS(3)   /* between the TTLs of a sweep: it ends at the first answer */
/* A control's sweep behind that of the SSH port. In later passes CONTROL_BEHIND, so that few
 * lines put the one before the other. */
#define BEHIND MILLISECONDS(1)
#define GRACE  MILLISECONDS(300) /* for replies to the last packet sent */
#define SMALL_AFTER                                                                                \
	MILLISECONDS(1000) /* a server that limits connections shall not mind the second */
#define SMALL_SEGMENT 536  /* passes every link: RFC 9293 3.7.1 */
#define REPEAT_AFTER  MILLISECONDS(150)
#define REPETITIONS   16
#define ECHOES	      5	    /* answers to them in a row, without a loss, that show a sound way */
#define NEVER	      0.001 /* as likely an accident, what is seen needs no more of them */
/* How often facts are looked at: when packets have come since, and while nothing does. */
#define LOOK_EVERY    MILLISECONDS(50)
#define LOOK_IN_QUIET MILLISECONDS(60)
#define SWEEP_TTL     24
#define WINDOW	      64240 /* a Linux client's */
#define FULL_TTL_CODE 63    /* in the cookie, for SYNs that are to arrive */
#define CONFIDENT     0.95

/* A VM gives up a reassembly after 30 s, IPv6 after 60, and says so at most once a second,
 * after a burst of six (Linux): two of these a pair. */
#define FRAGMENT_PAIRS	 5
#define FRAGMENT_GAP	 MILLISECONDS(1200)
#define FRAGMENT_BETWEEN MILLISECONDS(40) /* the two of a pair */
#define FLAGS_TRIES	 2		  /* of the other heavy tests */
#define FLAGS_GAP	 MILLISECONDS(500)

/* Where sshd is moved to, as a rule. */
static const uint16_t usual_ports[] = {
	2222, 222, 2022, 22222, 2200, 22022, 10022, 50022, 8022, 122
};
#define USUAL_PORTS (sizeof(usual_ports) / sizeof(*usual_ports))

/* -- state ---------------------------------------------------------------------- */

/* What --deep adds. */
static const struct heavy {
	enum purpose purpose;
	uint8_t flags;
	unsigned tries;
	int64_t gap_ns;
} heavy[] = {
	{ PURPOSE_FRAGMENT, TCP_SYN, FRAGMENT_PAIRS, FRAGMENT_GAP },
	{ PURPOSE_ACK, TCP_ACK, FLAGS_TRIES, FLAGS_GAP },
	{ PURPOSE_PLAIN, TCP_SYN, FLAGS_TRIES, FLAGS_GAP },
};
#define HEAVY_TESTS (sizeof(heavy) / sizeof(*heavy))
#define HEAVY_ACK   1

enum phase { PHASE_CONNECT, PHASE_TALK, PHASE_SWEEP, PHASE_CLEAN, PHASE_DONE };

#define CONNECTIONS 3 /* accepted by one target at most (DESIGN 3.4) */
#define TASKS_MAX   512

/* A port where SSH may be instead of the one that was asked for. */
struct candidate {
	uint16_t port;
	bool listens;  /* the VM's own table says so: no SYN need ask */
	bool verified; /* a connection to it was begun */
};

struct task {
	int64_t due_ns;
	struct action action;
};

/* The crafted exchanges, in the order of their local ports behind the kernel's. */
enum slot {
	SLOT_RAW,
	SLOT_LINK,
	SLOT_SWEEP, /* a port for each pass: where flows are spread over ways, another way */
	SLOT_AGAIN = SLOT_SWEEP + SWEEP_PASSES,	   /* and one for what a pass compares once more */
	SLOT_COMPARED = SLOT_AGAIN + SWEEP_PASSES, /* the first control's, likewise */
	SLOT_COMPARED_AGAIN = SLOT_COMPARED + SWEEP_PASSES,
	SLOT_CONTROL = SLOT_COMPARED_AGAIN + SWEEP_PASSES, /* the further controls */
	SLOT_ELSEWHERE = SLOT_CONTROL + PATHS_MAX,
	SLOT_HEAVY = SLOT_ELSEWHERE + USUAL_PORTS, /* a pair for each: SSH port, control port */
	SLOTS = SLOT_HEAVY + 2 * HEAVY_TESTS
};
_Static_assert(SLOTS <= PLAN_CRAFTED_PORTS, "a local port for every exchange");

struct plan {
	const struct run *run;
	struct plan_config config;
	struct track track;
	struct arena arena;   /* exchanges */
	struct arena looking; /* texts of the last look; freed with the next */

	enum phase phase;
	int64_t started_ns, phase_ns, looked_ns, last_send_ns;
	int64_t sweep_sent_ns[SLOTS]; /* when a sweep's last SYN left */
	unsigned passes;	      /* started so far */
	unsigned session_passes;
	unsigned repeated; /* the client's first words, how often */
	int64_t repeated_ns;
	unsigned kernel_used; /* kernel ports handed out */
	bool news;	      /* a packet came since the last look */
	bool handshake_ended, next_hop_told;
	bool reference_asked;
	bool heavy_begun, ack_swept;
	bool control_swept[PATHS_MAX];
	struct candidate candidate[USUAL_PORTS];
	unsigned candidates;
	bool listeners_told; /* the candidates are those who listen on this machine */
	int64_t listen_ns;   /* when the last connection to one of them began */
	int64_t small_ns;    /* when the connection with small segments began; 0 it did not */
	bool small_ended;
	uint16_t ip_id;

	struct task task[TASKS_MAX]; /* a queue in order of due time */
	size_t task_first, task_count;
};

static void propose_usual_ports(struct plan *plan)
{
	for (size_t i = 0; i < USUAL_PORTS; i++)
		if (usual_ports[i] != plan->run->port)
			plan->candidate[plan->candidates++].port = usual_ports[i];
}

/* On the VM itself nothing need be guessed; and what is handed to the loopback interface comes
 * to nobody. */
static void propose_listener(struct plan *plan, const struct event *event)
{
	if (!plan->listeners_told)
		plan->candidates = 0;
	plan->listeners_told = true;
	if (event->value > 0 && event->value <= UINT16_MAX && plan->candidates < USUAL_PORTS)
		plan->candidate[plan->candidates++] =
			(struct candidate){ .port = (uint16_t)event->value, .listens = true };
}

static void learn(struct plan *plan, const struct event *event)
{
	track_event(&plan->track, event);
	if (event->kind == EVENT_LISTENER)
		propose_listener(plan, event);
}

struct plan *plan_new(const struct run *run, const struct plan_config *config, int64_t now_ns)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	if (plan == NULL)
		return NULL;
	plan->run = run;
	plan->config = *config;
	plan->started_ns = plan->phase_ns = now_ns;
	plan->ip_id = (uint16_t)(cookie(config->key, &run->address, 0, 0) | 1);
	track_start(&plan->track, run, &plan->arena);
	propose_usual_ports(plan);
	for (size_t i = 0; i < run->event_count; i++)
		learn(plan, &run->events[i]);
	return plan;
}

void plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	arena_free(&plan->arena);
	arena_free(&plan->looking);
	free(plan);
}

static uint16_t kernel_port(const struct plan *plan, unsigned index)
{
	return (uint16_t)(plan->config.kernel_ports + index);
}

static uint16_t slot_port(const struct plan *plan, unsigned slot)
{
	return (uint16_t)(plan->config.crafted_ports + slot);
}

static struct exchange *slot_exchange(const struct plan *plan, unsigned slot)
{
	return track_find(&plan->track, slot_port(plan, slot));
}

/* -- tasks ---------------------------------------------------------------------- */

static void task_add(struct plan *plan, int64_t due_ns, const struct action *action)
{
	if (plan->task_count == TASKS_MAX && plan->task_first > 0) {
		plan->task_count -= plan->task_first;
		memmove(plan->task, plan->task + plan->task_first,
			plan->task_count * sizeof(*plan->task));
		plan->task_first = 0;
	}
	if (plan->task_count == TASKS_MAX)
		return; /* never within the limits above: 3 passes of 7 sweeps fit */
	size_t at = plan->task_count++;
	while (at > plan->task_first && plan->task[at - 1].due_ns > due_ns) {
		plan->task[at] = plan->task[at - 1];
		at--;
	}
	plan->task[at] = (struct task){ .due_ns = due_ns, .action = *action };
}

static bool tasks_left(const struct plan *plan)
{
	return plan->task_first < plan->task_count;
}

static void tasks_clear(struct plan *plan)
{
	plan->task_first = plan->task_count = 0;
}

/* A SYN from `slot`. ttl 0: the kernel's own, so that it arrives. */
static void add_try(struct plan *plan, int64_t due_ns, unsigned slot, enum way way,
		    enum purpose purpose, uint16_t remote_port, uint8_t ttl, unsigned attempt)
{
	uint16_t local_port = slot_port(plan, slot);
	uint32_t secret = cookie(plan->config.key, &plan->run->address, local_port, remote_port);
	plan->ip_id = (uint16_t)(plan->ip_id + 2); /* stays odd: never 0 */
	struct action action = {
		.kind = ACTION_SEND,
		.way = way,
		.purpose = purpose,
		.opens = true,
		.window = WINDOW,
		.local_port = local_port,
		.remote_port = remote_port,
		.ttl = ttl != 0 ? ttl : plan->config.full_ttl,
		.flags = TCP_SYN,
		.ip_id = plan->ip_id,
		/* One that is to arrive is sent again as it was: another number on the same
		 * ports makes a healthy server reset the first (RFC 9293 3.10.7.4). */
		.sequence = ttl == 0 ? cookie_sequence(secret, FULL_TTL_CODE, 0)
				     : cookie_sequence(secret, ttl, (uint8_t)attempt),
	};
	task_add(plan, due_ns, &action);
}

static void add_syn(struct plan *plan, int64_t due_ns, unsigned slot, enum way way,
		    enum purpose purpose, uint16_t remote_port, uint8_t ttl)
{
	add_try(plan, due_ns, slot, way, purpose, remote_port, ttl,
		plan->passes + plan->session_passes);
}

/* -- what is known -------------------------------------------------------------- */

static void look(struct plan *plan, int64_t now_ns, struct facts *facts)
{
	arena_free(&plan->looking);
	observe(&plan->track, now_ns, &plan->looking, facts);
	plan->looked_ns = now_ns;
	plan->news = false;
}

static int64_t next_look(const struct plan *plan)
{
	return plan->looked_ns + (plan->news ? LOOK_EVERY : LOOK_IN_QUIET);
}

static bool is_terminal(enum reply reply)
{
	return reply == REPLY_SYN_ACK || reply == REPLY_RESET || reply == REPLY_UNREACHABLE;
}

/* Least TTL of the exchange's SYNs that drew an end-to-end answer; 0 none. */
static uint8_t terminal_ttl(const struct exchange *exchange)
{
	uint8_t least = 0;
	for (unsigned i = 0; exchange != NULL && i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (!sent->data && is_terminal(sent->reply) && (least == 0 || sent->ttl < least))
			least = sent->ttl;
	}
	return least;
}

/* Whether a sweep to the same port, from any local port, has an answer for `ttl`; to
 * another port, a router's. */
static bool ttl_answered(const struct plan *plan, uint16_t remote_port, uint8_t ttl, bool router)
{
	for (size_t n = 0; n < plan->track.count; n++) {
		const struct exchange *exchange = plan->track.exchanges[n];
		bool sweep =
			exchange->purpose == PURPOSE_SWEEP || exchange->purpose == PURPOSE_CONTROL;
		if (!sweep || exchange->remote_port != remote_port)
			continue;
		for (unsigned i = 0; i < exchange->sent_count; i++)
			if (exchange->sent[i].ttl == ttl && exchange->sent[i].reply != REPLY_NONE &&
			    (!router || exchange->sent[i].reply == REPLY_EXCEEDED))
				return true;
	}
	return false;
}

/* Whether packets were lost that are answered as a rule. */
static bool packets_lost(const struct facts *facts)
{
	return facts->paths.far_end.lost > 0;
}

/* -- the sweep ------------------------------------------------------------------ */

/* How far a pass looks: the first as far as paths go, later ones as far as anything
 * answered, and a little more. */
static uint8_t sweep_end(const struct plan *plan, const struct facts *facts)
{
	const struct paths *paths = &facts->paths;
	if (plan->passes == 1)
		return SWEEP_TTL;
	uint8_t known = paths->farthest > paths->distance ? paths->farthest : paths->distance;
	uint8_t end = (uint8_t)(known + 2);
	return end < SWEEP_TTL ? end : SWEEP_TTL;
}

/* TTLs that `compared`, the same port or the one that this is a control for, has an answer
 * for are left out; for a control, a router's answer: where the SSH port's own answer
 * comes from, whether another port is answered from there too is what is asked. */
static void add_sweep(struct plan *plan, int64_t now_ns, unsigned slot, enum purpose purpose,
		      uint16_t remote_port, uint8_t begin, uint8_t end, uint16_t compared)
{
	int64_t due = now_ns;
	for (uint8_t ttl = begin; ttl <= end; ttl++) {
		if (ttl_answered(plan, compared, ttl, remote_port != compared))
			continue;
		add_syn(plan, due, slot, WAY_LINK, purpose, remote_port, ttl);
		due += STEP;
	}
}

/* The same over all sweeps to one port, from whichever local port. */
static uint8_t least_terminal(const struct plan *plan, uint16_t remote_port)
{
	uint8_t least = 0;
	for (size_t i = 0; i < plan->track.count; i++) {
		const struct exchange *exchange = plan->track.exchanges[i];
		bool sweep =
			exchange->purpose == PURPOSE_SWEEP || exchange->purpose == PURPOSE_CONTROL;
		uint8_t ttl =
			sweep && exchange->remote_port == remote_port ? terminal_ttl(exchange) : 0;
		if (ttl != 0 && (least == 0 || ttl < least))
			least = ttl;
	}
	return least;
}

static bool control_answers(const struct plan *plan, unsigned index)
{
	return least_terminal(plan, plan->config.control_ports[index]) != 0;
}

/* The control's flow is a new one: that it comes by the last router that is known shows that it
 * goes the same way so far. */
static void show_the_way(struct plan *plan, int64_t due_ns, unsigned slot,
			 const struct facts *facts)
{
	uint8_t ttl = facts->paths.ssh.last_router;
	if (ttl != 0 && plan->config.control_count > 0 && facts->paths.ssh.terminal == 0)
		add_try(plan, due_ns, slot, WAY_LINK, PURPOSE_CONTROL,
			plan->config.control_ports[0], ttl, 0);
}

/* Where routers answer the control and not the SSH port, the first of them is compared once
 * more in a pass, by other flows: on a short way there may be no other, and where flows are
 * spread over ways, one way may have a router that never answers. */
static void compare_again(struct plan *plan, int64_t now_ns, int64_t behind,
			  const struct facts *facts)
{
	const struct path *path = &facts->paths.ssh;
	uint8_t ttl = (uint8_t)(path->last_router + 1);
	if (ttl > PATH_TTL_MAX || facts->paths.control_count == 0 || path->terminal != 0 ||
	    facts->paths.control[0].hop[ttl].reply != REPLY_EXCEEDED)
		return;
	unsigned compared = SLOT_COMPARED_AGAIN + plan->passes - 1;
	add_try(plan, now_ns, SLOT_AGAIN + plan->passes - 1, WAY_LINK, PURPOSE_SWEEP,
		plan->run->port, ttl, 0);
	add_try(plan, now_ns + behind, compared, WAY_LINK, PURPOSE_CONTROL,
		plan->config.control_ports[0], ttl, 0);
	show_the_way(plan, now_ns + behind, compared, facts);
}

/* From how far away the further controls answer: asked only behind the routers that are
 * known, which costs these none of their limit. */
static void sweep_answering_controls(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	for (unsigned i = 1; i < plan->config.control_count; i++) {
		if (plan->control_swept[i] || !control_answers(plan, i))
			continue;
		plan->control_swept[i] = true;
		add_sweep(plan, now_ns, SLOT_CONTROL + i, PURPOSE_CONTROL,
			  plan->config.control_ports[i], (uint8_t)(facts->paths.farthest + 1),
			  SWEEP_TTL, plan->config.control_ports[i]);
	}
}

/* What a candidate answers to SYNs. */
static enum reply elsewhere_reply(const struct plan *plan, unsigned index)
{
	const struct exchange *exchange = slot_exchange(plan, SLOT_ELSEWHERE + index);
	for (unsigned i = 0; exchange != NULL && i < exchange->sent_count; i++)
		if (exchange->sent[i].reply != REPLY_NONE)
			return exchange->sent[i].reply;
	return REPLY_NONE;
}

/* The candidates, once; those that nothing was heard of `again`, and those whose SYN never
 * left: a link that has just come up takes none. */
static void ask_elsewhere(struct plan *plan, int64_t now_ns, bool again)
{
	for (unsigned i = 0; i < plan->candidates; i++) {
		const struct exchange *exchange = slot_exchange(plan, SLOT_ELSEWHERE + i);
		bool asked = exchange != NULL && exchange->sent_count > 0;
		if (!plan->candidate[i].listens && elsewhere_reply(plan, i) == REPLY_NONE &&
		    (again || !asked))
			add_syn(plan, now_ns + MILLISECONDS(2 * i), SLOT_ELSEWHERE + i, WAY_LINK,
				PURPOSE_ELSEWHERE, plan->candidate[i].port, 0);
	}
}

static void start_pass(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	uint16_t port = plan->run->port;
	plan->passes++;
	plan->phase_ns = now_ns;
	if (!plan->config.crafted)
		return;
	uint8_t end = sweep_end(plan, facts);
	int64_t behind = plan->passes == 1 ? BEHIND : CONTROL_BEHIND;
	if (plan->passes == 1)
		add_syn(plan, now_ns, SLOT_RAW, WAY_RAW, PURPOSE_SSH, port, 0);
	add_syn(plan, now_ns, SLOT_LINK, WAY_LINK, PURPOSE_SSH, port, 0);
	add_sweep(plan, now_ns, SLOT_SWEEP + plan->passes - 1, PURPOSE_SWEEP, port, 1, end, port);
	/* The first control goes with the SSH port at every TTL, so that a router's silence
	 * is never only its ICMP limit. The others would use that limit up: they are only
	 * asked whether they answer at all (sweep_answering_controls() asks from where). */
	if (plan->config.control_count > 0)
		add_sweep(plan, now_ns + behind, SLOT_COMPARED + plan->passes - 1, PURPOSE_CONTROL,
			  plan->config.control_ports[0], 1, end, port);
	if (plan->passes > 1) {
		show_the_way(plan, now_ns + behind, SLOT_COMPARED + plan->passes - 1, facts);
		compare_again(plan, now_ns + COMPARED_AGAIN, behind, facts);
	}
	for (unsigned i = 1; i < plan->config.control_count; i++)
		if (!control_answers(plan, i))
			add_syn(plan, now_ns + behind, SLOT_CONTROL + i, WAY_LINK, PURPOSE_CONTROL,
				plan->config.control_ports[i], 0);
	if (fact_answer(facts, QUESTION_SYN) != ANSWER_SYN_SYN_ACK)
		ask_elsewhere(plan, now_ns,
			      packets_lost(facts) ||
				      fact_answer(facts, QUESTION_SYN) == ANSWER_SYN_RESET);
}

/* A sweep that drew an end-to-end answer needs no larger TTLs. */
static bool superfluous(const struct plan *plan, const struct action *action)
{
	if (action->kind != ACTION_SEND || action->ttl >= plan->config.full_ttl ||
	    !(action->flags & TCP_SYN))
		return false;
	uint8_t terminal = least_terminal(plan, action->remote_port);
	return terminal != 0 && action->ttl > terminal;
}

/* Somebody listens on the candidate: its SYN was answered, or, once the port that was asked
 * for is known to be closed, the machine itself says so. */
static bool is_open(const struct plan *plan, unsigned index, const struct facts *facts)
{
	return plan->candidate[index].listens ? fact_answer(facts, QUESTION_SYN) == ANSWER_SYN_RESET
					      : elsewhere_reply(plan, index) == REPLY_SYN_ACK;
}

/* Candidates that are open: only a banner says that it is SSH. */
static void verify_elsewhere(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	for (unsigned i = 0; i < plan->candidates && plan->kernel_used < CONNECTIONS; i++) {
		if (plan->candidate[i].verified || !is_open(plan, i, facts))
			continue;
		plan->candidate[i].verified = true;
		plan->listen_ns = now_ns;
		struct action action = {
			.kind = ACTION_CONNECT,
			.way = WAY_KERNEL,
			.purpose = PURPOSE_ELSEWHERE,
			.opens = true,
			.local_port = kernel_port(plan, plan->kernel_used++),
			.remote_port = plan->candidate[i].port,
		};
		task_add(plan, now_ns, &action);
	}
}

/* -- inside the connection ------------------------------------------------------ */

/* How many passes it takes: a reset shows at once, silence has to be compared, and goes
 * on being compared while routers that used up their ICMP limit leave it open. */
static unsigned session_wanted(const struct facts *facts)
{
	bool open = fact_answer(facts, QUESTION_CUTTER) == ANSWER_NONE;
	switch (fact_answer(facts, QUESTION_SSH)) {
	case ANSWER_SSH_CUT:
	case ANSWER_SSH_KEX_CUT:
		return 1;
	case ANSWER_SSH_SWALLOWED:
	case ANSWER_SSH_DEAF:
		return open ? 4 : 2;
	default:
		return 0;
	}
}

/* Bytes of the client's once more, as the kernel sends them. */
struct words {
	uint32_t sequence, length;
};

static struct words first_words(const struct connection *connection)
{
	uint32_t length = connection->client_data_length; /* of the first segment, no more */
	if (length > connection->stream[SSH_CLIENT].length)
		length = connection->stream[SSH_CLIENT].length;
	return (struct words){ connection->client_first, length };
}

/* Those that the server waits for, where they are known and short; or else the first. */
static struct words awaited_words(const struct connection *connection)
{
	const struct awaited *awaited = &connection->awaited;
	uint32_t offset = awaited->sequence - connection->client_first;
	if (awaited->sent == 0 || awaited->length > PLAN_PAYLOAD_MAX ||
	    offset + awaited->length > connection->stream[SSH_CLIENT].length)
		return first_words(connection);
	return (struct words){ awaited->sequence, awaited->length };
}

static struct action repetition(struct plan *plan, const struct exchange *exchange,
				struct words words, uint8_t ttl)
{
	const struct connection *connection = exchange->connection;
	plan->ip_id = (uint16_t)(plan->ip_id + 2);
	return (struct action){
		.kind = ACTION_SEND,
		.way = WAY_LINK,
		.purpose = PURPOSE_INSESSION,
		.window = WINDOW,
		.local_port = exchange->local_port,
		.remote_port = exchange->remote_port,
		.ttl = ttl,
		.flags = TCP_ACK | TCP_PSH,
		.ip_id = plan->ip_id,
		.sequence = words.sequence,
		.acknowledgement = connection->server_heard, /* what the kernel has, no more */
		.has_timestamp = connection->client_timestamps,
		.timestamp_value = connection->timestamp_value,
		.timestamp_echo = connection->timestamp_echo,
		.payload = connection->stream[SSH_CLIENT].bytes +
			   (words.sequence - connection->client_first),
		.payload_length = words.length < PLAN_PAYLOAD_MAX ? words.length : PLAN_PAYLOAD_MAX,
	};
}

static bool goes_on(const struct connection *connection)
{
	return connection->client_acked_frame != 0 && connection->server_data_frame != 0;
}

/* The kernel retransmits ever more rarely. Where its words go unheard, more copies of them
 * tell a filter from a lossy way much sooner. Where the server is not heard, they draw
 * acknowledgements that stand behind all it has said (RFC 9293 3.10.7.4): so words that were
 * lost are told from none, and how much is lost shows. */
/* What is seen is no accident, or the way was heard of often enough and loses nothing. */
static bool repeated_enough(const struct plan *plan, const struct connection *connection,
			    const struct facts *facts)
{
	const struct fact *ssh = &facts->fact[QUESTION_SSH];
	bool heard = connection->acked_again >= ECHOES && !packets_lost(facts);
	bool sure = ssh->answer != ANSWER_NONE && ssh->accident < NEVER;
	return heard || sure || plan->repeated == REPETITIONS;
}

static void repeat_words(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	const struct exchange *exchange = track_find(&plan->track, kernel_port(plan, 0));
	const struct connection *connection = exchange != NULL ? exchange->connection : NULL;
	if (!plan->config.crafted || connection == NULL || connection->client_data_frame == 0 ||
	    (goes_on(connection) && now_ns - connection->progress_ns < REPEAT_WORDS) ||
	    plan->handshake_ended || connection->server_end_ns != 0 ||
	    connection->client_end_ns != 0 || connection->stream[SSH_CLIENT].length == 0 ||
	    now_ns - connection->client_data_ns < REPEAT_WORDS ||
	    repeated_enough(plan, connection, facts) || now_ns - plan->repeated_ns < REPEAT_AFTER)
		return;
	bool first = plan->repeated++ % 2 == 0; /* in turn: the way is heard of, too */
	plan->repeated_ns = now_ns;
	struct action action = repetition(
		plan, exchange, first ? first_words(connection) : awaited_words(connection),
		plan->config.full_ttl);
	task_add(plan, now_ns, &action);
}

/* Copies of the client's first bytes, with TTLs that end before the VM. Each carries
 * its TTL in the IP ID and, as an older but valid acknowledgement, in the sequence
 * number that a reset for it would have. */
static void start_session_pass(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	const struct exchange *exchange = track_find(&plan->track, kernel_port(plan, 0));
	const struct connection *connection = exchange != NULL ? exchange->connection : NULL;
	plan->session_passes++;
	plan->phase_ns = now_ns;
	if (connection == NULL || connection->stream[SSH_CLIENT].length == 0)
		return;
	uint8_t end = facts->paths.ssh.terminal;
	if (end == 0)
		end = (uint8_t)(facts->paths.farthest + 1);
	int64_t due = now_ns;
	for (uint8_t ttl = 1; ttl < end; ttl++) {
		struct action action = repetition(plan, exchange, first_words(connection), ttl);
		action.acknowledgement -= ttl;
		task_add(plan, due, &action);
		add_syn(plan, due + MILLISECONDS(1), SLOT_SWEEP, WAY_LINK, PURPOSE_SWEEP,
			exchange->remote_port, ttl);
		due += STEP;
	}
}

/* -- the heavier tests ---------------------------------------------------------- */

/* One segment of a heavy test; each has numbers of its own, by which its answer is known. */
static void add_heavy(struct plan *plan, int64_t due_ns, unsigned test, uint16_t remote_port,
		      uint8_t ttl, uint8_t code, uint8_t attempt)
{
	bool control = remote_port != plan->run->port;
	uint16_t local_port = slot_port(plan, SLOT_HEAVY + 2 * test + control);
	uint32_t secret = cookie(plan->config.key, &plan->run->address, local_port, remote_port);
	plan->ip_id = (uint16_t)(plan->ip_id + 2);
	struct action action = {
		.kind = ACTION_SEND,
		.way = WAY_LINK,
		.purpose = heavy[test].purpose,
		.opens = true,
		.window = WINDOW,
		.fragment = heavy[test].purpose == PURPOSE_FRAGMENT,
		.plain = heavy[test].purpose == PURPOSE_PLAIN,
		.local_port = local_port,
		.remote_port = remote_port,
		.ttl = ttl,
		.flags = heavy[test].flags,
		.ip_id = plan->ip_id,
		.sequence = cookie_sequence(secret, code, attempt),
	};
	if (action.flags & TCP_ACK)
		action.acknowledgement = cookie_sequence(~secret, code, attempt);
	task_add(plan, due_ns, &action);
}

/* A port that answers, to compare with; 0 when none does. */
static uint16_t answering_control(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->config.control_count; i++)
		if (control_answers(plan, i))
			return plan->config.control_ports[i];
	return 0;
}

static void start_heavy(struct plan *plan, int64_t now_ns)
{
	uint16_t control = answering_control(plan);
	plan->heavy_begun = true;
	for (unsigned test = 0; test < HEAVY_TESTS; test++) {
		/* A SYN that arrives is repeated as it was: see add_syn(). */
		bool plain = heavy[test].purpose == PURPOSE_PLAIN;
		for (uint8_t n = 0; n < heavy[test].tries; n++) {
			int64_t due = now_ns + n * heavy[test].gap_ns;
			uint8_t ttl = plan->config.full_ttl, code = plain ? 0 : n;
			add_heavy(plan, due, test, plan->run->port, ttl, code, 0);
			if (control != 0)
				add_heavy(plan, due + FRAGMENT_BETWEEN, test, control, ttl, code,
					  0);
		}
	}
}

/* From how far away a reset for the ACK comes. */
static void sweep_ack(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	const struct exchange *exchange = slot_exchange(plan, SLOT_HEAVY + 2 * HEAVY_ACK);
	const struct paths *paths = &facts->paths;
	uint8_t known = paths->farthest > paths->distance ? paths->farthest : paths->distance;
	bool answered = false;
	for (unsigned i = 0; exchange != NULL && i < exchange->sent_count; i++)
		answered |= exchange->sent[i].reply == REPLY_RESET;
	if (!answered || plan->ack_swept)
		return;
	plan->ack_swept = true;
	for (uint8_t ttl = 1; ttl <= known + 2 && ttl <= SWEEP_TTL; ttl++)
		add_heavy(plan, now_ns + STEP * ttl, HEAVY_ACK, plan->run->port, ttl, ttl, 1);
}

/* -- decisions ------------------------------------------------------------------ */

/* What the machine itself does with the connection is known. */
static bool machine_settled(const struct plan *plan, const struct facts *facts)
{
	enum answer route = fact_answer(facts, QUESTION_ROUTE);
	const struct exchange *kernel = track_find(&plan->track, kernel_port(plan, 0));
	if (route != ANSWER_ROUTE_OK && route != ANSWER_NONE)
		return kernel != NULL && (kernel->answered || route != ANSWER_ROUTE_REFUSED);
	if (fact_answer(facts, QUESTION_OUT) == ANSWER_NONE)
		return false;
	return kernel == NULL || kernel->connection == NULL ||
	       fact_answer(facts, QUESTION_IN) != ANSWER_NONE ||
	       fact_answer(facts, QUESTION_OUT) == ANSWER_OUT_DIVERTED;
}

/* Where the answer comes from is known, and was compared with something. */
static bool place_settled(const struct plan *plan, const struct facts *facts)
{
	const struct paths *paths = &facts->paths;
	uint8_t ttl = paths->ssh.terminal;
	/* The target's own word needs no comparison; this machine has no path to itself. */
	if (fact_answer(facts, QUESTION_SYN) == ANSWER_SYN_TARGET_UNREACHABLE ||
	    plan->run->vantage == VANTAGE_VM)
		return true;
	if (fact_answer(facts, QUESTION_WHO) == ANSWER_NONE)
		return false;
	bool compared = ttl == 0 || paths->farthest >= ttl, open = false;
	for (size_t i = 0; i < paths->control_count; i++)
		compared |= paths->control[i].terminal >= ttl;
	/* Nearer than others by what may be loss: the next pass looks again. */
	enum answer who = fact_answer(facts, QUESTION_WHO);
	open = compared && (who == ANSWER_WHO_UNCLEAR || who == ANSWER_WHO_BEYOND);
	return (compared && !open) || plan->passes > (open ? SWEEP_PASSES - 1 : 1);
}

static bool reference_settled(const struct plan *plan, const struct facts *facts, int64_t now_ns,
			      int64_t patience)
{
	return plan->config.reference == 0 || now_ns - plan->started_ns >= patience ||
	       fact_answer(facts, QUESTION_REFERENCE) != ANSWER_NONE;
}

static bool conversation_settled(const struct plan *plan, const struct facts *facts)
{
	const struct exchange *kernel = track_find(&plan->track, kernel_port(plan, 0));
	if (kernel == NULL || fact_answer(facts, QUESTION_OUT) != ANSWER_OUT_LEAVES)
		return true;
	/* The port answers crafted SYNs: the kernel's was lost, and it will try again. Until then
	 * nobody knows what this machine does with the answer. */
	enum answer syn = fact_answer(facts, QUESTION_SYN);
	if (!kernel->answered && fact_answer(facts, QUESTION_IN) == ANSWER_NONE)
		return syn != ANSWER_SYN_SYN_ACK && syn != ANSWER_SYN_RESET;
	bool talks = kernel->connection != NULL && kernel->answered && kernel->connect_error == 0;
	return !talks || fact_answer(facts, QUESTION_SSH) != ANSWER_NONE;
}

/* A port is closed: is SSH on another? Of those who listen on the VM too many may be left to
 * try them all: then it stays open. */
static bool elsewhere_settled(const struct plan *plan, const struct facts *facts, int64_t now_ns)
{
	if (fact_answer(facts, QUESTION_SYN) != ANSWER_SYN_RESET ||
	    fact_answer(facts, QUESTION_INSTEAD) != ANSWER_NONE)
		return true;
	if (plan->listeners_told)
		return now_ns - plan->listen_ns >= 2 * LISTEN_WAIT;
	return !plan->config.crafted || plan->run->vantage == VANTAGE_VM;
}

/* -- small segments -------------------------------------------------------------- */

/* The server has spoken, and then nothing came for long: size, loss, or the end of it. */
static bool stands_still(const struct plan *plan, int64_t now_ns)
{
	const struct exchange *kernel = track_find(&plan->track, kernel_port(plan, 0));
	const struct connection *c = kernel != NULL ? kernel->connection : NULL;
	return c != NULL && kernel->answered && kernel->connect_error == 0 &&
	       c->server_data_frame != 0 && c->server_end_ns == 0 && c->client_end_ns == 0 &&
	       now_ns - c->progress_ns >= STANDSTILL;
}

static bool small_wanted(const struct plan *plan, const struct facts *facts, int64_t now_ns)
{
	if (plan->small_ns != 0 || plan->kernel_used >= CONNECTIONS)
		return false;
	switch (fact_answer(facts, QUESTION_SSH)) {
	case ANSWER_NONE:
		return stands_still(plan, now_ns);
	case ANSWER_SSH_LARGE_LOST:
	case ANSWER_SSH_STALLED:
	case ANSWER_SSH_KEX_STALLED:
	case ANSWER_SSH_UNHEARD:
		return true;
	default:
		return false;
	}
}

/* Where the conversation stops although bytes are acknowledged, the same once more with
 * small segments tells whether it is the size that stops them. */
static void try_small(struct plan *plan, int64_t now_ns)
{
	int64_t due = plan->started_ns + SMALL_AFTER;
	struct action action = {
		.kind = ACTION_CONNECT,
		.way = WAY_KERNEL,
		.purpose = PURPOSE_SMALL,
		.opens = true,
		.local_port = kernel_port(plan, plan->kernel_used++),
		.remote_port = plan->run->port,
		.segment_max = SMALL_SEGMENT,
	};
	plan->small_ns = due > now_ns ? due : now_ns;
	task_add(plan, plan->small_ns, &action);
}

static bool small_settled(const struct plan *plan, const struct facts *facts, int64_t now_ns)
{
	int64_t wait = packets_lost(facts) ? LOSSY_TIMES * SMALL_WAIT : SMALL_WAIT;
	return plan->small_ns == 0 || plan->small_ended || now_ns - plan->small_ns >= wait;
}

static bool confident(const struct plan *plan, const struct facts *facts)
{
	struct verdict verdict;
	reason(facts, plan->run, NULL, &verdict);
	return verdict.outcome == OUTCOME_FAULT && verdict.confidence >= CONFIDENT;
}

/* Whether the heavier tests have told what they can, or are not needed; begins them. */
static bool heavy_settled(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	if (!plan->config.deep || !plan->config.crafted ||
	    fact_answer(facts, QUESTION_SYN) != ANSWER_SYN_SILENT ||
	    (!plan->heavy_begun && confident(plan, facts)))
		return true;
	if (!plan->heavy_begun)
		start_heavy(plan, now_ns);
	sweep_ack(plan, now_ns, facts);
	return !tasks_left(plan) && fact_answer(facts, QUESTION_FRAGMENT) != ANSWER_NONE;
}

static void finish(struct plan *plan)
{
	tasks_clear(plan);
	plan->phase = PHASE_CLEAN;
	/* Half-open connections of ours do not stay on the VM. */
	for (size_t i = 0; i < plan->track.count; i++) {
		const struct exchange *exchange = plan->track.exchanges[i];
		if (exchange->way != WAY_RAW && exchange->way != WAY_LINK)
			continue;
		for (unsigned n = 0; n < exchange->sent_count; n++) {
			if (exchange->sent[n].reply != REPLY_SYN_ACK)
				continue;
			struct action action = {
				.kind = ACTION_SEND,
				.way = WAY_LINK,
				.purpose = exchange->purpose,
				.window = WINDOW,
				.local_port = exchange->local_port,
				.remote_port = exchange->remote_port,
				.ttl = plan->config.full_ttl,
				.flags = TCP_RST,
				.ip_id = plan->ip_id,
				.sequence = exchange->sent[n].sequence + 1,
			};
			task_add(plan, 0, &action);
		}
	}
}

static void sweep_think(struct plan *plan, int64_t now_ns, const struct facts *facts)
{
	repeat_words(plan, now_ns, facts);
	verify_elsewhere(plan, now_ns, facts);
	sweep_answering_controls(plan, now_ns, facts);
	if (tasks_left(plan) || now_ns - plan->last_send_ns < GRACE ||
	    now_ns - plan->listen_ns <
		    (packets_lost(facts) ? LOSSY_TIMES * LISTEN_WAIT : LISTEN_WAIT))
		return;
	if (!machine_settled(plan, facts) && now_ns - plan->started_ns < LOCAL_WAIT)
		return;
	if (small_wanted(plan, facts, now_ns))
		try_small(plan, now_ns);
	if (!small_settled(plan, facts, now_ns))
		return;
	bool session = plan->config.crafted && plan->session_passes < session_wanted(facts);
	if (session && place_settled(plan, facts)) {
		if (plan->session_passes == 0 || now_ns - plan->phase_ns >= PASS_GAP)
			start_session_pass(plan, now_ns, facts);
		return;
	}
	bool settled = conversation_settled(plan, facts) &&
		       elsewhere_settled(plan, facts, now_ns) &&
		       fact_answer(facts, QUESTION_SYN) != ANSWER_NONE;
	/* Once the conversation has told what it can, only loss makes another sweep worth it. */
	bool talked = fact_answer(facts, QUESTION_SSH) != ANSWER_NONE && !session &&
		      (!packets_lost(facts) || plan->passes > 1);
	bool enough = talked || confident(plan, facts);
	bool reference = reference_settled(plan, facts, now_ns, REFERENCE_WAIT);
	if (settled && place_settled(plan, facts) && enough) {
		if (reference)
			finish(plan);
		return;
	}
	if (plan->passes < SWEEP_PASSES) {
		if (now_ns - plan->phase_ns >= PASS_GAP)
			start_pass(plan, now_ns, facts);
		return;
	}
	if (now_ns - plan->last_send_ns < LAST_GRACE)
		return;
	if (conversation_settled(plan, facts) && reference && heavy_settled(plan, now_ns, facts))
		finish(plan);
}

/* Whether waiting for the kernel's connection is over, and nothing good came of it. */
static bool connect_failed(const struct plan *plan, int64_t now_ns)
{
	const struct exchange *kernel = track_find(&plan->track, kernel_port(plan, 0));
	if (kernel != NULL && kernel->answered)
		return kernel->connect_error != 0;
	return now_ns - plan->started_ns >= ANSWER_WAIT;
}

/* SSH answers as it should; with a key that is not the VM's it may be another's answer. */
static bool all_is_well(const struct facts *facts)
{
	enum answer key = fact_answer(facts, QUESTION_KEY);
	return fact_answer(facts, QUESTION_SSH) == ANSWER_SSH_AUTH && key != ANSWER_KEY_CHANGED &&
	       key != ANSWER_KEY_WRONG;
}

static void think(struct plan *plan, int64_t now_ns)
{
	struct facts facts;
	if (plan->phase >= PHASE_CLEAN)
		return;
	look(plan, now_ns, &facts);
	enum answer route = fact_answer(&facts, QUESTION_ROUTE);
	bool hopeless = route != ANSWER_ROUTE_OK && route != ANSWER_NONE;
	bool decided = all_is_well(&facts) || (hopeless && machine_settled(plan, &facts));
	if (decided && !reference_settled(plan, &facts, now_ns, REFERENCE_WAIT_DECIDED))
		return;
	if (decided || now_ns >= plan->config.deadline_ns) {
		finish(plan);
		return;
	}
	/* Frames that we hand to the interface need the next hop's address. */
	bool ready = !plan->config.crafted || plan->next_hop_told ||
		     now_ns - plan->started_ns >= NEIGHBOUR_WAIT;
	bool sweep = ready && ((plan->phase == PHASE_CONNECT && connect_failed(plan, now_ns)) ||
			       (plan->phase == PHASE_TALK &&
				(plan->handshake_ended || now_ns - plan->phase_ns >= TALK_WAIT)));
	if (sweep) {
		plan->phase = PHASE_SWEEP;
		start_pass(plan, now_ns, &facts);
	} else if (plan->phase == PHASE_SWEEP) {
		sweep_think(plan, now_ns, &facts);
	}
}

/* -- what the driver calls --------------------------------------------------------- */

void plan_packet(struct plan *plan, const struct packet *packet)
{
	(void)track_packet(&plan->track, packet);
	plan->news = true;
}

static void connected(struct plan *plan, const struct event *event)
{
	const struct exchange *exchange = track_find(&plan->track, event->local_port);
	if (exchange == NULL || event->error != 0)
		return;
	/* Of the reference and of other ports no more is asked than what they say first. */
	bool reference = exchange->purpose == PURPOSE_REFERENCE;
	struct action talk = {
		.kind = ACTION_TALK,
		.purpose = exchange->purpose,
		.local_port = event->local_port,
		.remote_port = exchange->remote_port,
	};
	if (!reference && exchange->purpose != PURPOSE_ELSEWHERE)
		task_add(plan, event->time_ns, &talk);
	if (!reference && plan->phase == PHASE_CONNECT) {
		plan->phase = PHASE_TALK;
		plan->phase_ns = event->time_ns;
	}
}

void plan_event(struct plan *plan, const struct event *event)
{
	learn(plan, event);
	if (event->kind == EVENT_CONNECT)
		connected(plan, event);
	else if (event->kind == EVENT_SSH && event->local_port == kernel_port(plan, 0))
		plan->handshake_ended = true;
	else if (event->kind == EVENT_NEIGHBOUR)
		plan->next_hop_told = true;
	else if (event->kind == EVENT_SSH)
		plan->small_ended = true;
	plan->looked_ns = 0; /* look again */
}

/* SYNs of one sweep that leave in a burst may overtake each other, and the first to arrive
 * is taken for the smallest: what is late is not hurried. */
static bool wait_for_last(struct plan *plan, int64_t now_ns, const struct action *action)
{
	bool sweep = action->kind == ACTION_SEND && action->ttl < plan->config.full_ttl &&
		     (action->flags & TCP_SYN) != 0;
	int64_t *last;
	if (!sweep)
		return false;
	last = &plan->sweep_sent_ns[action->local_port - plan->config.crafted_ports];
	if (*last != 0 && now_ns - *last < STEP / 2) {
		task_add(plan, *last + STEP, action);
		return true;
	}
	*last = now_ns;
	return false;
}

static bool pop_task(struct plan *plan, int64_t now_ns, struct action *action)
{
	while (tasks_left(plan) && plan->task[plan->task_first].due_ns <= now_ns) {
		struct action due = plan->task[plan->task_first++].action;
		if (!tasks_left(plan))
			tasks_clear(plan);
		if (superfluous(plan, &due) || wait_for_last(plan, now_ns, &due))
			continue;
		if (due.kind == ACTION_SEND)
			plan->last_send_ns = now_ns;
		if (due.flags == TCP_SYN) /* a Linux client's clock: milliseconds */
			due.timestamp_value = (uint32_t)(now_ns / MILLISECONDS(1));
		*action = due;
		return true;
	}
	return false;
}

static struct action first_connect(struct plan *plan)
{
	return (struct action){
		.kind = ACTION_CONNECT,
		.way = WAY_KERNEL,
		.purpose = PURPOSE_SSH,
		.opens = true,
		.local_port = kernel_port(plan, plan->kernel_used++),
		.remote_port = plan->run->port,
	};
}

/* On the last of the kernel's ports: the others are for the target. */
static struct action reference_connect(struct plan *plan)
{
	plan->reference_asked = true;
	return (struct action){
		.kind = ACTION_CONNECT,
		.way = WAY_KERNEL,
		.purpose = PURPOSE_REFERENCE,
		.opens = true,
		.to_reference = true,
		.local_port = kernel_port(plan, PLAN_KERNEL_PORTS - 1),
		.remote_port = plan->config.reference,
	};
}

struct action plan_next(struct plan *plan, int64_t now_ns)
{
	struct action action = { 0 };
	if (plan->kernel_used == 0)
		return first_connect(plan);
	if (plan->config.reference != 0 && !plan->reference_asked)
		return reference_connect(plan);
	if (pop_task(plan, now_ns, &action))
		return action;
	if (now_ns >= next_look(plan)) {
		think(plan, now_ns);
		if (pop_task(plan, now_ns, &action))
			return action;
	}
	if (plan->phase == PHASE_CLEAN && !tasks_left(plan))
		plan->phase = PHASE_DONE;
	if (plan->phase == PHASE_DONE)
		action.kind = ACTION_DONE;
	return action;
}

int64_t plan_wakeup(const struct plan *plan)
{
	int64_t wakeup = next_look(plan);
	if (tasks_left(plan) && plan->task[plan->task_first].due_ns < wakeup)
		wakeup = plan->task[plan->task_first].due_ns;
	return wakeup;
}
