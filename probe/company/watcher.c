#include "company/watcher.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/capture.h"
#include "company/pulse.h"
#include "company/store.h"
#include "names/resolve.h"
#include "process/clock.h"
#include "sshwhy/memory.h"
#include "sshwhy/traffic.h"
#include "user/person.h"
#include "user/privilege.h"
#include "wall/wall.h"

#define NS_IN_MS INT64_C(1000000)

struct watch_message {
	enum watch_order order;
	enum held held;
	uint32_t flow;
};

enum {
	HEADERS = 160,	 /* bytes of a frame, once its payload is a secret */
	ROUND_MS = 200,	 /* how often a quiet line is looked at */
	NEWS_MS = 60000, /* so long after the key exchange a session's packets tell anything */
	START_MS = 3000, /* for the process to listen */
};

struct watching {
	const struct watch_wish *wish;
	int fd;
	struct resolver *resolver;
	int question;
	struct address address[ADDRESSES_MAX]; /* of the name, once they are known */
	size_t address_count;
	struct capture *capture;
	struct pulse pulse;
	struct store store;
	bool closed;   /* what begins may be a probe's */
	bool asked;    /* whose a connection is; the answer has not come yet */
	bool narrowed; /* only what ends a connection comes */
	bool still;    /* and this was said */
};

/* -- whose packets they are ------------------------------------------------------------- */

static bool is_keyed(const struct watching *w)
{
	const struct pulse_flow *own = pulse_own(&w->pulse);
	return own != NULL && own->keyed;
}

static bool is_theirs(const struct watching *w, const struct address *server)
{
	for (size_t i = 0; i < w->address_count; i++)
		if (address_equal(server, &w->address[i]))
			return true;
	return w->address_count == 0;
}

/* From here: others log in on this machine. */
static bool begins(const struct watching *w, const struct packet *p)
{
	return p->direction != DIRECTION_IN && p->protocol == IP_TCP &&
	       (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && p->destination_port == w->wish->port;
}

static void begin(struct watching *w, const struct packet *p)
{
	uint32_t forgotten = pulse_begin(&w->pulse, p, w->closed || !is_theirs(w, &p->destination));
	if (forgotten != 0)
		store_forget(&w->store, forgotten);
}

/* The person's ssh is asked for it by who has started it (company.h). */
static bool ask_whose(struct watching *w)
{
	const struct pulse_flow *flow = pulse_unknown(&w->pulse);
	if (flow == NULL || w->asked)
		return true;
	w->asked = true;
	return finding_send(w->fd, &(struct found_out){ .kind = FINDING_BEGINS,
							.flow = flow->number,
							.ends = { flow->local_port, w->wish->port,
								  flow->server },
							.began_ns = flow->began_ns });
}

static void learn_whose(struct watching *w, const struct watch_message *message)
{
	w->asked = false;
	if (!pulse_learn(&w->pulse, message->flow, message->held))
		store_forget(&w->store, message->flow);
}

static void take_frame(void *context, const struct frame *frame)
{
	struct watching *w = context;
	struct packet packet;
	decode(frame, &packet);
	if (packet.end != DECODE_COMPLETE)
		return;
	if (begins(w, &packet))
		begin(w, &packet);
	bool secret = is_keyed(w); /* of what follows */
	uint32_t flow = pulse_takes(&w->pulse, &packet);
	if (flow != 0)
		store_put(&w->store, frame, flow, secret ? HEADERS : frame->captured,
			  packet.protocol == IP_TCP && packet.flags & (TCP_FIN | TCP_RST));
}

/* -- what the kernel hands over ----------------------------------------------------------- */

static void put_errors(FILE *out)
{
	fputs(" or icmp[icmptype] = icmp-unreach or icmp[icmptype] = icmp-timxceed"
	      " or (ip6 proto 58 and ip6[40] < 128)",
	      out);
}

/* The caller frees it. */
static char *filter_of(uint16_t port, bool narrow)
{
	char *filter = NULL;
	size_t size = 0;
	FILE *text = memory_stream(&filter, &size);
	fprintf(text, "(tcp port %u", port);
	if (narrow)
		fputs(" and (tcp[tcpflags] & (tcp-fin|tcp-rst) != 0"
		      " or (ip6 proto 6 and ip6[53] & 5 != 0))",
		      text);
	fputc(')', text);
	put_errors(text);
	memory_stream_end(text, &filter);
	return filter;
}

static bool open_capture(struct watching *w, struct error *error)
{
	char *filter = filter_of(w->wish->port, false);
	w->capture = capture_open_busy("any", &(struct capture_filter){ filter, filter }, error);
	free(filter);
	return w->capture != NULL;
}

static bool is_old_news(const struct watching *w)
{
	return store_is_full(&w->store) ||
	       (is_keyed(w) &&
		clock_ns(CLOCK_REALTIME) - pulse_own(&w->pulse)->keyed_ns > NEWS_MS * NS_IN_MS);
}

static void narrow(struct watching *w)
{
	struct error ignored;
	char *filter = filter_of(w->wish->port, true);
	w->narrowed =
		capture_narrow(w->capture, &(struct capture_filter){ filter, filter }, &ignored);
	free(filter);
}

/* -- the judgement ------------------------------------------------------------------------ */

struct judgement {
	const struct watching *watch;
	struct found_out *finding;
	bool failed;
};

static const char failed_later[] =
	"ssh failed although its connection went through the key exchange: what it says itself "
	"tells more (a login refused, a host key that it does not take, a remote command that "
	"ended with 255)";

static const char fell_silent[] =
	"ssh's connection came through the key exchange and then fell silent: what ssh sends is "
	"acknowledged no more";

static void name_no_cause(struct report *report)
{
	report->outcome = OUTCOME_UNKNOWN;
	report->cause = CAUSE_UNKNOWN;
	report->confidence = 0;
	report->source_count = 0;
	report->cause_count = report->fix_count = 0;
}

/* ssh has failed, so something has: what the packets do not show is not healthy. */
static void doubt(struct report *report, const struct watching *watch, char *text, size_t room)
{
	const struct watch_wish *wish = watch->wish;
	bool silent = pulse_waits_since(&watch->pulse) != 0;
	name_no_cause(report);
	report->summary = silent ? fell_silent : failed_later;
	if (wish->beyond == NULL || silent)
		return;
	snprintf(text, room,
		 "the first leg, to the jump host %s, works as far as its key exchange: either %s "
		 "refuses the login, or what fails lies beyond it, on the way to %s",
		 wish->host, wish->host, wish->beyond);
	report->summary = text;
}

/* Of ssh's own decision the packets name no cause. */
static void tell_own_end(struct report *report, const struct watching *watch, char *text,
			 size_t room)
{
	const struct watch_wish *wish = watch->wish;
	bool jump = wish->beyond != NULL;
	name_no_cause(report);
	snprintf(text, room,
		 "%s%s%sssh itself ended its connection once it had heard the server's part of "
		 "the key exchange: what it says itself tells why (a host key that it does not "
		 "take, no common algorithm)",
		 jump ? "on the first leg, to the jump host " : "", jump ? wish->host : "",
		 jump ? ", " : "");
	report->summary = text;
}

/* It was the client's turn, and nobody else ended it. */
static bool ends_itself(const struct pulse *pulse)
{
	const struct pulse_flow *own = pulse_own(pulse);
	return own != NULL && own->connected && !own->keyed && own->client_ended &&
	       !own->client_spoke_last;
}

static void take_report(void *context, const struct report *settled)
{
	const struct judgement *judgement = context;
	const struct watch_wish *wish = judgement->watch->wish;
	struct report report = *settled;
	char text[1024];
	if (judgement->finding->kind == FINDING_MADE)
		finding_free(judgement->finding); /* the last that was tried decides */
	report.host = wish->host;
	if (judgement->failed && report.outcome == OUTCOME_UNKNOWN &&
	    ends_itself(&judgement->watch->pulse))
		tell_own_end(&report, judgement->watch, text, sizeof(text));
	if (judgement->failed && report.outcome == OUTCOME_HEALTHY)
		doubt(&report, judgement->watch, text, sizeof(text));
	finding_of_report(judgement->finding, &report, wish->color);
}

/* ssh sent nothing. */
static void tell_nothing(const struct judgement *judgement)
{
	const struct watch_wish *wish = judgement->watch->wish;
	struct report report = { .host = wish->host,
				 .port = wish->port,
				 .vantage = vantage_names[VANTAGE_CLIENT],
				 .deployment = deployment_names[DEPLOYMENT_UNKNOWN],
				 .outcome = OUTCOME_UNKNOWN,
				 .cause = CAUSE_UNKNOWN,
				 .summary = "no packet of ssh's own connection was seen" };
	finding_of_report(judgement->finding, &report, wish->color);
}

static struct traffic *new_traffic(const struct judgement *judgement)
{
	const struct watching *w = judgement->watch;
	struct traffic_options options = { .ports = &w->wish->port,
					   .port_count = 1,
					   .vantage_given = true,
					   .vantage = VANTAGE_CLIENT,
					   .smaller = TRAFFIC_SMALLEST };
	if (getrandom(options.key, sizeof(options.key), 0) != sizeof(options.key))
		return NULL;
	return traffic_new(&options, take_report, (void *)(uintptr_t)judgement);
}

static void read_store(const struct judgement *judgement)
{
	const struct watching *w = judgement->watch;
	struct traffic *traffic = new_traffic(judgement);
	if (traffic == NULL)
		return;
	for (size_t i = 0; i < w->store.count; i++)
		traffic_frame(traffic, &w->store.frames[i]);
	traffic_lost(traffic, capture_dropped(w->capture) + (w->narrowed ? 1 : 0));
	traffic_time(traffic, clock_ns(CLOCK_REALTIME));
	traffic_end(traffic);
	traffic_free(traffic);
}

static void put_frames(const struct watching *w, struct found_out *finding)
{
	FILE *run = memory_stream(&finding->part[FINDING_RUN], &finding->length[FINDING_RUN]);
	store_save(&w->store, capture_link(w->capture), run);
	memory_stream_end(run, &finding->part[FINDING_RUN]);
}

static void put_progress(const struct pulse *pulse, struct found_out *finding)
{
	const struct pulse_flow *own = pulse_own(pulse);
	if (own == NULL)
		return;
	finding->tried = true;
	finding->connected = own->connected;
	finding->keyed = own->keyed;
	finding->served = own->client_ended && pulse_is_session(pulse);
}

static bool judge(struct watching *w, bool failed)
{
	struct found_out finding = { .kind = FINDING_READY };
	struct judgement judgement = { w, &finding, failed };
	read_store(&judgement);
	if (finding.kind != FINDING_MADE)
		tell_nothing(&judgement);
	put_progress(&w->pulse, &finding);
	if (w->wish->frames)
		put_frames(w, &finding);
	bool sent = finding_send(w->fd, &finding);
	finding_free(&finding);
	return sent;
}

/* -- watching ----------------------------------------------------------------------------- */

static void learn_addresses(struct watching *w)
{
	if (w->question < 0)
		return;
	int status = resolver_wait(w->resolver, w->question, 0, -1);
	if (status == ETIMEDOUT)
		return;
	if (status == 0) {
		const struct name_answer *answer = resolver_answer(w->resolver, w->question);
		for (uint32_t i = 0; i < answer->count; i++)
			w->address[w->address_count++] = answer->address[i];
	}
	w->question = -1;
	resolver_dismiss(w->resolver);
}

static bool tell_standing(struct watching *w)
{
	int64_t since_ns = pulse_waits_since(&w->pulse);
	bool still = since_ns != 0 && !w->narrowed &&
		     clock_ns(CLOCK_REALTIME) - since_ns >= w->wish->patience_ms * NS_IN_MS;
	if (still == w->still)
		return true;
	w->still = still;
	return finding_send(w->fd,
			    &(struct found_out){ .kind = still ? FINDING_STILL : FINDING_MOVES });
}

/* What waits in the kernel was seen before now. The ring hands over in batches of a tenth of a
 * second. */
static bool take_waiting(struct watching *w)
{
	struct error ignored;
	int taken = 0;
	for (int round = 0; round < 64; round++) {
		taken = capture_read(w->capture, take_frame, w, &ignored);
		if (taken <= 0)
			break;
	}
	if (!w->narrowed && is_old_news(w))
		narrow(w);
	return taken >= 0;
}

static bool hear_message(struct watching *w, struct watch_message *message)
{
	if (recv(w->fd, message, sizeof(*message), MSG_WAITALL) != sizeof(*message))
		return false;
	if (message->order == WATCH_NO_NEW)
		w->closed = true;
	else if (message->order == WATCH_WHOSE)
		learn_whose(w, message);
	return true;
}

/* Before there is a judgement; who asks for it answers as well. */
static bool learn_all(struct watching *w)
{
	struct watch_message message;
	while (pulse_unknown(&w->pulse) != NULL)
		if (!ask_whose(w) || !hear_message(w, &message))
			return false;
	return true;
}

static bool obey(struct watching *w)
{
	struct watch_message message;
	struct timespec batch = { .tv_nsec = 150 * NS_IN_MS };
	if (!hear_message(w, &message))
		return false;
	if (message.order != WATCH_JUDGE && message.order != WATCH_FAILED)
		return true;
	nanosleep(&batch, NULL);
	return take_waiting(w) && learn_all(w) && judge(w, message.order == WATCH_FAILED);
}

static int wait_ms(const struct watching *w)
{
	return w->narrowed ? -1 : ROUND_MS;
}

static void watch_on(struct watching *w)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = w->fd, .events = POLLIN },
					{ .fd = capture_fd(w->capture), .events = POLLIN } };
		if (poll(fds, 2, wait_ms(w)) < 0 && errno != EINTR)
			return;
		learn_addresses(w);
		if (!take_waiting(w) || (fds[0].revents != 0 && !obey(w)))
			return;
		if (!ask_whose(w) || !tell_standing(w))
			return;
	}
}

/* -- the process -------------------------------------------------------------------------- */

static void ask_name(struct watching *w, const struct person *person)
{
	struct error ignored;
	struct name_question question = { .family = w->wish->family };
	struct address literal = address_of_literal(w->wish->hostname);
	w->question = -1;
	if (literal.family != 0) {
		w->address[w->address_count++] = literal;
		return;
	}
	snprintf(question.name, sizeof(question.name), "%s", w->wish->hostname);
	w->resolver = resolver_start(person, &ignored);
	w->question = resolver_ask(w->resolver, &question);
}

static bool open_all(struct watching *w, struct error *error)
{
	struct person person;
	person_find(&person);
	ask_name(w, &person);
	if (!open_capture(w, error))
		return false;
	int fd = capture_fd(w->capture);
	return privilege_drop(&person, error) && wall_listener(&fd, 1, true, error);
}

/* In a session of its own: what the terminal says, it says to ssh. */
static int work(int fd, void *context)
{
	const struct watch_wish *wish = context;
	struct watching w = { .wish = wish, .fd = fd, .pulse = { .port = wish->port } };
	struct error error = { 0 };
	(void)setsid();
	if (!open_all(&w, &error)) {
		finding_send(fd, &(struct found_out){ .kind = FINDING_FAILED,
						      .part = { error.text },
						      .length = { strlen(error.text) } });
		return EXIT_FAILURE;
	}
	if (finding_send(fd, &(struct found_out){ .kind = FINDING_READY }))
		watch_on(&w);
	return EXIT_SUCCESS;
}

static bool await_start(struct watcher *watcher, struct error *error)
{
	struct found_out first = { .kind = FINDING_FAILED };
	struct pollfd wait = { .fd = watcher->fd, .events = POLLIN };
	if (poll(&wait, 1, START_MS) > 0)
		(void)finding_receive(watcher->fd, &first);
	const char *why = first.part[FINDING_SUMMARY];
	bool ready = first.kind == FINDING_READY ||
		     error_set(error, EXIT_UNAVAILABLE, "%s",
			       why != NULL ? why : "the process that captures has ended");
	finding_free(&first);
	return ready;
}

bool watcher_start(struct watcher *watcher, const struct watch_wish *wish, struct error *error)
{
	int ends[2];
	*watcher = (struct watcher){ .child = { .pid = -1, .leash = -1 }, .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return error_set(error, EXIT_UNAVAILABLE, "socketpair: %s", strerror(errno));
	watcher->fd = ends[0];
	bool started =
		child_start(&watcher->child, "sshwhy: watcher", ends[1], work,
			    (void *)(uintptr_t)wish) ||
		error_set(error, EXIT_UNAVAILABLE, "no process that captures: %s", strerror(errno));
	close(ends[1]);
	if (started && await_start(watcher, error))
		return true;
	watcher_end(watcher);
	return false;
}

static void tell(const struct watcher *watcher, const struct watch_message *message)
{
	if (watcher->fd >= 0)
		(void)!send(watcher->fd, message, sizeof(*message), MSG_NOSIGNAL);
}

void watcher_tell(const struct watcher *watcher, enum watch_order order)
{
	tell(watcher, &(struct watch_message){ .order = order });
}

void watcher_tell_whose(const struct watcher *watcher, uint32_t flow, enum held held)
{
	tell(watcher, &(struct watch_message){ .order = WATCH_WHOSE, .held = held, .flow = flow });
}

void watcher_end(struct watcher *watcher)
{
	if (watcher->fd >= 0)
		close(watcher->fd);
	watcher->fd = -1;
	(void)child_end(&watcher->child);
}
