#include "company/prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drive/drive.h"
#include "sshwhy/memory.h"
#include "sshwhy/patience.h"

static void put_run(struct found_out *finding, const struct run *run)
{
	struct error ignored;
	FILE *out = memory_stream(&finding->part[FINDING_RUN], &finding->length[FINDING_RUN]);
	(void)run_save(run, NULL, out, &ignored);
	memory_stream_end(out, &finding->part[FINDING_RUN]);
}

static bool tell(int fd, const struct probe_wish *wish, const struct run *run)
{
	static const struct report_options values = { 0 };
	struct arena arena = { 0 };
	struct report report;
	struct found_out finding = { 0 };
	report_build(&report, run, &values, &arena);
	finding_of_report(&finding, &report, wish->color);
	if (wish->frames)
		put_run(&finding, run);
	bool sent = finding_send(fd, &finding);
	finding_free(&finding);
	arena_free(&arena);
	return sent;
}

static bool tell_failure(int fd, struct error *error)
{
	return finding_send(fd, &(struct found_out){ .kind = FINDING_FAILED,
						     .part = { error->text },
						     .length = { strlen(error->text) } });
}

static struct drive_options options_of(const struct probe_wish *wish, unsigned order)
{
	bool jump = order & PROBE_JUMP && wish->jump != NULL;
	return (struct drive_options){ .typed = jump ? wish->jump : wish->target,
				       .control_ports = { 80, 443, CLOSED_PORT },
				       .control_count = 3,
				       .timeout_ns = RUN_DEADLINE,
				       .authenticate = order & PROBE_LOGIN };
}

static void grew(void *context, const struct run *run, bool begun)
{
	(void)context;
	(void)run;
	(void)begun;
}

static bool probe(int fd, const struct probe_wish *wish, unsigned order)
{
	struct drive_options options = options_of(wish, order);
	struct run runs[DRIVE_ADDRESSES] = { 0 };
	struct error error = { 0 };
	size_t count = 0;
	options.grew = grew;
	/* nobody interrupts it: whoever has no use for it any more lets go of it */
	bool told = drive(&options, eventfd(0, EFD_CLOEXEC), runs, &count, &error)
			    ? tell(fd, wish, &runs[0])
			    : tell_failure(fd, &error);
	for (size_t i = 0; i < count; i++)
		run_free(&runs[i]);
	return told;
}

/* In a session of its own: Ctrl-C and Ctrl-Z are for ssh. */
static int work(int fd, void *context)
{
	const struct probe_wish *wish = context;
	uint8_t order;
	ssize_t got;
	(void)setsid();
	do
		got = read(fd, &order, 1);
	while (got < 0 && errno == EINTR);
	return got == 1 && probe(fd, wish, order) ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool prober_start(struct prober *prober, const struct probe_wish *wish, struct error *error)
{
	int ends[2];
	*prober = (struct prober){ .child = { .pid = -1, .leash = -1 }, .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return error_set(error, EXIT_UNAVAILABLE, "socketpair: %s", strerror(errno));
	prober->fd = ends[0];
	bool started =
		child_start(&prober->child, "sshwhy: prober", ends[1], work,
			    (void *)(uintptr_t)wish) ||
		error_set(error, EXIT_UNAVAILABLE, "no process that probes: %s", strerror(errno));
	close(ends[1]);
	if (!started)
		prober_end(prober);
	return started;
}

void prober_ask(struct prober *prober, unsigned order)
{
	uint8_t byte = (uint8_t)order;
	prober->asked = true;
	if (prober->fd >= 0)
		(void)!send(prober->fd, &byte, 1, MSG_NOSIGNAL);
}

void prober_end(struct prober *prober)
{
	if (prober->fd >= 0)
		close(prober->fd);
	prober->fd = -1;
	(void)child_end(&prober->child);
}
