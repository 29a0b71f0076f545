#include "craft/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "craft/cell.h"
#include "craft/errand.h"
#include "craft/sender.h"

/* It is locked in within some milliseconds, or seconds where each of its calls is traced; later it
 * answers in microseconds. */
#define START_PATIENCE_S  5
#define ANSWER_PATIENCE_S 2
#define COURIER_END_MS	  1000

/* The first that it says, once it is locked in: why sessions can craft nothing; "": they can. */
struct readiness {
	char limit[DELIVERY_SESSIONS][sizeof(((struct error *)NULL)->text)];
};

struct courier {
	pid_t process;
	int channel;
	char trouble[96]; /* "": none */
	struct readiness readiness;
};

/* -- what the process has ---------------------------------------------------------------- */

_Static_assert(CELL_DESCRIPTORS >= 1 + SENDER_SOCKETS + DELIVERY_SESSIONS * PLAN_KERNEL_PORTS,
	       "a place for every descriptor");

static void set_session(struct delivery_session *session, const struct errand *errand)
{
	*session = (struct delivery_session){
		.licence = errand->licence,
		.target = { errand->target, errand->route.scope },
		.reference = { errand->reference, errand->reference_route.scope },
	};
	memcpy(session->socket, errand->socket, sizeof(session->socket));
}

/* Without a route there is nothing to craft for, and that is told as such. */
static bool any_route(const struct errands *errands)
{
	for (size_t i = 0; i < errands->count; i++)
		if (errands->errand[i].route.error == 0)
			return true;
	return false;
}

static void set_craft(struct delivery_session *session, const struct errand *errand,
		      struct sender *sender, struct error *error)
{
	if (sender != NULL && errand->route.error == 0)
		session->craft = craft_share(sender, &errand->target, &errand->route, error);
}

static struct sender *pack(const struct errands *errands, struct delivery *delivery,
			   struct readiness *readiness)
{
	struct error why = { .text = "there is no route" };
	const char *interface = errands->interface[0] != '\0' ? errands->interface : NULL;
	struct sender *sender =
		any_route(errands) ? sender_open(errands->person.uid, interface, &why) : NULL;
	delivery->count = errands->count;
	for (size_t i = 0; i < errands->count; i++) {
		struct error error = why;
		set_session(&delivery->session[i], &errands->errand[i]);
		set_craft(&delivery->session[i], &errands->errand[i], sender, &error);
		if (delivery->session[i].craft == NULL)
			snprintf(readiness->limit[i], sizeof(readiness->limit[i]), "%s",
				 error.text);
	}
	return sender;
}

/* -- the process ------------------------------------------------------------------------ */

/* Until the other end is closed. */
static _Noreturn void take_letters(struct delivery *delivery, int channel)
{
	struct letter letter;
	struct receipt receipt;
	ssize_t got;
	do {
		got = recv(channel, &letter, sizeof(letter), 0);
		if (got > 0)
			receipt = delivery_take(delivery, &letter, (size_t)got);
	} while (got > 0 && send(channel, &receipt, sizeof(receipt), MSG_NOSIGNAL) >= 0);
	_exit(0);
}

static bool lock_in(const struct errands *errands, struct sender *sender, struct delivery *delivery,
		    int *channel, pid_t parent)
{
	struct cell cell = { .parent = parent };
	cell_keep(&cell, CELL_CHANNEL, channel);
	for (unsigned i = 0; sender != NULL && i < SENDER_SOCKETS; i++)
		cell_keep(&cell, CELL_SENDER, sender_socket(sender, i));
	for (size_t i = 0; i < delivery->count; i++)
		for (unsigned n = 0; n < PLAN_KERNEL_PORTS; n++)
			cell_keep(&cell, CELL_CONNECTION, &delivery->session[i].socket[n]);
	return cell_enter(&cell, &errands->person);
}

/* A copy of what others wait for the end of would keep it alive. */
static bool keep_only(int *channel)
{
	const int place = STDERR_FILENO + 1;
	if (*channel != place && dup3(*channel, place, O_CLOEXEC) < 0)
		return false;
	*channel = place;
	return close_range((unsigned)place + 1, ~0u, 0) == 0;
}

static _Noreturn void be_courier(int channel, pid_t parent)
{
	struct errands errands;
	struct delivery delivery = { 0 };
	struct readiness readiness = { 0 };
	if (!keep_only(&channel) || !errands_hear(channel, &errands))
		_exit(0);
	struct sender *sender = pack(&errands, &delivery, &readiness);
	if (lock_in(&errands, sender, &delivery, &channel, parent) &&
	    send(channel, &readiness, sizeof(readiness), MSG_NOSIGNAL) >= 0)
		take_letters(&delivery, channel);
	_exit(1);
}

/* -- the parent ------------------------------------------------------------------------- */

static void wait_no_longer_than(int channel, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };
	(void)setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static bool fork_courier(struct courier *courier)
{
	int ends[2];
	pid_t self = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	courier->channel = ends[0];
	courier->process = fork();
	if (courier->process == 0)
		be_courier(ends[1], self);
	int cause = errno;
	close(ends[1]);
	wait_no_longer_than(courier->channel, START_PATIENCE_S);
	errno = cause;
	return courier->process > 0;
}

struct courier *courier_start(struct error *error)
{
	struct courier *courier = calloc(1, sizeof(*courier));
	if (courier != NULL) {
		courier->channel = -1;
		if (fork_courier(courier))
			return courier;
	}
	error_set(error, EXIT_UNAVAILABLE, "no process to send packets: %s", strerror(errno));
	courier_end(courier);
	return NULL;
}

bool courier_send_out(struct courier *courier, const struct errands *errands, struct error *error)
{
	return errands_tell(courier->channel, errands) ||
	       error_set(error, EXIT_UNAVAILABLE,
			 "the process that sends packets cannot be told: %s", strerror(errno));
}

const char *courier_limit(const struct courier *courier, size_t session)
{
	const char *limit = courier->readiness.limit[session];
	return limit[0] != '\0' ? limit : NULL;
}

const char *courier_trouble(const struct courier *courier)
{
	return courier->trouble[0] != '\0' ? courier->trouble : NULL;
}

static bool fail(struct courier *courier, const char *what)
{
	if (courier->trouble[0] == '\0')
		snprintf(courier->trouble, sizeof(courier->trouble),
			 "the process that sends packets %s", what);
	return false;
}

static const char *no_answer(int cause)
{
	return cause == EAGAIN ? "does not answer" : "has ended";
}

static bool hear(struct courier *courier, void *answer, size_t size)
{
	ssize_t got;
	do
		got = recv(courier->channel, answer, size, 0);
	while (got < 0 && errno == EINTR); /* stopped and continued: socket(7) on SO_RCVTIMEO */
	if (got == (ssize_t)size)
		return true;
	return fail(courier, no_answer(got < 0 ? errno : 0));
}

static bool say(struct courier *courier, const void *question, size_t size)
{
	ssize_t put;
	do
		put = send(courier->channel, question, size, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put >= 0 || fail(courier, no_answer(errno));
}

bool courier_ready(struct courier *courier, struct error *error)
{
	struct readiness *readiness = &courier->readiness;
	if (!hear(courier, readiness, sizeof(*readiness)))
		return error_set(error, EXIT_UNAVAILABLE, "%s before it began", courier->trouble);
	wait_no_longer_than(courier->channel, ANSWER_PATIENCE_S);
	for (size_t i = 0; i < DELIVERY_SESSIONS; i++)
		readiness->limit[i][sizeof(readiness->limit[i]) - 1] = '\0';
	return true;
}

static bool ask(struct courier *courier, const struct letter *letter, size_t length, int *error)
{
	struct receipt receipt;
	if (courier->trouble[0] != '\0')
		return false;
	if (length == 0)
		return fail(courier, "has no room for what was asked");
	if (!say(courier, letter, length) || !hear(courier, &receipt, sizeof(receipt)))
		return false;
	if (receipt.refused != 0)
		return fail(courier, "was asked for what no plan does, and refused");
	*error = receipt.error;
	return true;
}

bool courier_carry(struct courier *courier, size_t session, const struct action *action, int *error)
{
	struct letter letter;
	return ask(courier, &letter, letter_of_action(&letter, session, action), error);
}

void courier_tell_next_hop(struct courier *courier, size_t session, const uint8_t *address,
			   size_t length)
{
	struct letter letter;
	int ignored;
	(void)ask(courier, &letter, letter_of_next_hop(&letter, session, address, length),
		  &ignored);
}

void courier_dismiss(struct courier *courier)
{
	if (courier != NULL)
		(void)shutdown(courier->channel, SHUT_WR);
}

/* Its end of the channel is closed when it has ended. */
static void reap(struct courier *courier)
{
	struct pollfd channel = { .fd = courier->channel, .events = 0 };
	bool ended = poll(&channel, 1, COURIER_END_MS) > 0;
	if (!ended)
		kill(courier->process, SIGKILL);
	(void)waitpid(courier->process, NULL, ended ? 0 : WNOHANG);
}

void courier_end(struct courier *courier)
{
	if (courier == NULL)
		return;
	courier_dismiss(courier);
	if (courier->process > 0)
		reap(courier);
	if (courier->channel >= 0)
		close(courier->channel);
	free(courier);
}
