#include "company/company.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/escape.h"
#include "company/leg.h"
#include "company/master.h"
#include "company/plain.h"
#include "company/prober.h"
#include "company/program.h"
#include "company/watcher.h"
#include "process/clock.h"
#include "user/privilege.h"

enum {
	STILL_MS = 3000,  /* nothing has moved for so long: a probe starts */
	PROBE_MS = 15000, /* a probe's own time, and some */
	FAILURE = 255,	  /* ssh(1): "255 if an error occurred" */
};

struct company {
	const struct company_wish *wish;
	struct person person;
	struct leg leg;
	struct watcher watcher;
	struct prober prober;
	char lacking[512]; /* why nothing is watched; "": it is */
	int signals;
	pid_t ssh; /* -1: it has ended */
	int64_t started_ns, ended_ns;
	int code;
	int64_t still_ms; /* when it was said to stand still; 0: it moves */
	struct found_out probed;
	bool stopped; /* nobody waits for a diagnosis any more */
	bool told;
};

/* -- what is told ------------------------------------------------------------------------- */

static void tell(struct company *c, const struct told *told)
{
	if (!c->told)
		c->wish->tell(c->wish->context, told);
	c->told = true;
}

static void tell_words(struct company *c, const char *words)
{
	tell(c, &(struct told){ .words = words, .running = c->ssh >= 0 });
}

/* A fault at one place says most, then one at several. */
static int rank(const struct found_out *finding)
{
	static const int ranks[] = { [OUTCOME_FAULT] = 3, [OUTCOME_AMBIGUOUS] = 2 };
	bool counts = finding->kind == FINDING_MADE && finding->outcome >= 0 &&
		      finding->outcome <= OUTCOME_AMBIGUOUS;
	return counts ? ranks[finding->outcome] : 0;
}

static bool is_healthy(const struct found_out *finding)
{
	return finding->kind == FINDING_MADE && finding->outcome == OUTCOME_HEALTHY;
}

/* Of what lies behind a jump host the packets from here tell nothing: a probe has tried ssh's way
 * through it, and quotes what ssh says. */
static bool heard_behind(const struct company *c)
{
	return c->leg.host.by_jump && c->probed.kind == FINDING_MADE && !is_healthy(&c->probed);
}

static void tell_way(const struct company *c, char *text, size_t room)
{
	const char *target = c->leg.host.target.host, *jump = c->leg.first.host;
	snprintf(text, room,
		 "the first leg, to the jump host %.255s, is well, and through it %.255s answers: "
		 "what "
		 "failed is between ssh and %.255s itself (its host key, the login)",
		 jump, target, target);
}

/* The probe sees more than one connection does; what it does not find fault with has failed all the
 * same. */
static void tell_diagnosis(struct company *c, const struct found_out *passive, bool running)
{
	char summary[1024];
	bool answers = is_healthy(&c->probed) && passive->keyed && c->leg.host.by_jump;
	bool probe_stands =
		(rank(&c->probed) > 0 || heard_behind(c)) && rank(&c->probed) >= rank(passive);
	if (answers)
		tell_way(c, summary, sizeof(summary));
	tell(c, &(struct told){ .stands = probe_stands ? &c->probed : passive,
				.connection = probe_stands ? passive : NULL,
				.summary = answers && !probe_stands ? summary : NULL,
				.running = running,
				.healthy = is_healthy(&c->probed) });
}

/* -- the watcher and the prober --------------------------------------------------------------- */

static void lose_watcher(struct company *c)
{
	watcher_end(&c->watcher);
	if (c->lacking[0] == '\0')
		snprintf(c->lacking, sizeof(c->lacking), "what watches it has ended");
	c->still_ms = 0;
}

/* Who has gone already is judged by the time. */
static enum held whose(const struct company *c, const struct found_out *begins)
{
	bool while_it_ran = begins->began_ns >= c->started_ns &&
			    (c->ssh >= 0 || begins->began_ns <= c->ended_ns);
	enum held held = c->ssh >= 0 ? holder_is("/proc", c->ssh, &begins->ends) : HELD_NOT_KNOWN;
	return held == HELD_NOT_KNOWN && !while_it_ran ? HELD_NOT : held;
}

static void answer_watcher(const struct company *c, const struct found_out *begins)
{
	watcher_tell_whose(&c->watcher, begins->flow, whose(c, begins));
}

static void hear_watcher(struct company *c)
{
	struct found_out finding;
	if (!finding_receive(c->watcher.fd, &finding))
		lose_watcher(c);
	else if (finding.kind == FINDING_BEGINS)
		answer_watcher(c, &finding);
	else if (finding.kind == FINDING_STILL)
		c->still_ms = clock_ms();
	else if (finding.kind == FINDING_MOVES)
		c->still_ms = 0;
	finding_free(&finding);
}

static void hear_prober(struct company *c)
{
	finding_free(&c->probed);
	if (!finding_receive(c->prober.fd, &c->probed))
		finding_free(&c->probed);
	prober_end(&c->prober);
}

/* Its packets look like ssh's. */
static void ask_prober(struct company *c, unsigned order)
{
	if (c->prober.asked || c->prober.fd < 0)
		return;
	watcher_tell(&c->watcher, WATCH_NO_NEW);
	prober_ask(&c->prober, order);
}

/* What is heard meanwhile of its moving or not is passed over. */
static bool ask_watcher(struct company *c, struct found_out *passive)
{
	memset(passive, 0, sizeof(*passive));
	watcher_tell(&c->watcher, WATCH_FAILED);
	while (c->watcher.fd >= 0) {
		finding_free(passive);
		if (!finding_receive(c->watcher.fd, passive))
			lose_watcher(c);
		else if (passive->kind == FINDING_BEGINS)
			answer_watcher(c, passive);
		else if (passive->kind == FINDING_MADE)
			return true;
	}
	finding_free(passive);
	return false;
}

/* -- while ssh runs ------------------------------------------------------------------------- */

/* Ctrl-C comes to ssh by itself. What is sent to this process alone is meant for ssh. */
static void hear_signals(struct company *c)
{
	struct signalfd_siginfo info;
	while (read(c->signals, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;
		if (number == SIGCHLD)
			continue;
		c->stopped = c->ssh < 0;
		if (c->ssh >= 0 && (number == SIGTERM || number == SIGHUP))
			kill(c->ssh, number);
	}
}

static int64_t still_for_ms(const struct company *c)
{
	return c->still_ms == 0 ? 0 : clock_ms() - c->still_ms + STILL_MS;
}

/* The first leg stands still: of what lies behind it nothing is known. */
static void look_after(struct company *c)
{
	struct found_out passive;
	if (c->still_ms == 0 || c->told)
		return;
	ask_prober(c, c->leg.proxied ? PROBE_JUMP : 0);
	bool probed = c->prober.fd < 0;
	if (still_for_ms(c) < c->wish->patience_ms || !probed || !ask_watcher(c, &passive))
		return;
	tell_diagnosis(c, &passive, true);
	finding_free(&passive);
}

static int wait_ms(const struct company *c)
{
	int64_t left_ms = c->wish->patience_ms - still_for_ms(c);
	if (c->still_ms == 0 || c->told || left_ms <= 0)
		return -1; /* a probe's end wakes it, if nothing else does */
	return (int)left_ms;
}

/* One look at everybody; -1 waits for as long as it takes. */
static bool look_round(struct company *c, int patience_ms)
{
	struct pollfd fds[] = { { .fd = c->signals, .events = POLLIN },
				{ .fd = c->watcher.fd, .events = POLLIN },
				{ .fd = c->prober.fd, .events = POLLIN } };
	int ready = poll(fds, 3, patience_ms);
	if (ready < 0 && errno != EINTR)
		return false;
	if (ready <= 0)
		return ready < 0;
	if (fds[0].revents != 0)
		hear_signals(c);
	if (fds[1].revents != 0)
		hear_watcher(c);
	if (fds[2].revents != 0)
		hear_prober(c);
	return true;
}

static void keep_company(struct company *c)
{
	while (!program_ended(c->ssh, &c->code)) {
		(void)look_round(c, wait_ms(c));
		look_after(c);
	}
	c->ssh = -1;
	c->ended_ns = clock_ns(CLOCK_REALTIME);
}

/* -- when ssh has failed -------------------------------------------------------------------- */

static unsigned order_after(const struct company *c, const struct found_out *passive)
{
	if (c->leg.proxied)
		return PROBE_JUMP;
	return passive->keyed ? PROBE_LOGIN : 0;
}

/* Ctrl-C ends the waiting. */
static void await_prober(struct company *c)
{
	int64_t until_ms = clock_ms() + PROBE_MS;
	while (c->prober.fd >= 0 && c->prober.asked && !c->stopped && clock_ms() < until_ms)
		(void)look_round(c, (int)(until_ms - clock_ms()));
}

/* 255 is what the command on the other side ended with: of a session, or of one within another
 * ssh's, as far as that one lives. */
static bool is_anothers(const struct company *c, const struct found_out *passive)
{
	return passive->served || (!passive->tried && master_runs(c->wish->words, &c->person));
}

static void explain_watched(struct company *c)
{
	struct found_out passive;
	if (!ask_watcher(c, &passive))
		return;
	if (is_anothers(c, &passive)) {
		finding_free(&passive);
		c->told = true;
		return;
	}
	/* that it works as far as the jump host is all that a probe of a command could find out */
	if (!c->leg.proxied || !passive.keyed || c->leg.host.by_jump)
		ask_prober(c, order_after(c, &passive));
	await_prober(c);
	if (!c->stopped)
		tell_diagnosis(c, &passive, false);
	finding_free(&passive);
}

static struct plain_wish plain_wish(const struct company *c)
{
	const struct settings *first = &c->leg.first;
	return (struct plain_wish){ .host = first->host,
				    .hostname = first->hostname,
				    .port = first->port,
				    .family = first->family,
				    .color = c->wish->color };
}

static void explain_plainly(struct company *c)
{
	struct found_out plain;
	struct plain_wish wish = plain_wish(c);
	if (c->leg.known && plain_try(&wish, c->signals, &plain)) {
		tell(c, &(struct told){ .stands = &plain, .words = c->lacking });
		finding_free(&plain);
		return;
	}
	hear_signals(c);
	if (!c->stopped)
		tell_words(c, c->lacking);
}

static void explain(struct company *c)
{
	char words[640];
	if (c->told)
		return;
	if (c->leg.host.outcome == CONSULT_REFUSED) {
		snprintf(words, sizeof(words),
			 "ssh does not take its own command line or configuration: %s",
			 c->leg.host.words);
		tell_words(c, words);
		return;
	}
	if (c->watcher.fd >= 0)
		explain_watched(c);
	if (!c->told && !c->stopped)
		explain_plainly(c);
}

/* Somebody gave up on an ssh that stood still: what is known already is told, and nothing waited
 * for. */
static void explain_impatience(struct company *c)
{
	struct found_out passive;
	if (c->still_ms == 0 || rank(&c->probed) == 0 || !ask_watcher(c, &passive))
		return;
	tell_diagnosis(c, &passive, false);
	finding_free(&passive);
}

/* -- beginning and end ------------------------------------------------------------------------ */

static struct watch_wish watch_wish(const struct company *c)
{
	const struct settings *first = &c->leg.first;
	return (struct watch_wish){ .host = first->host,
				    .hostname = first->hostname,
				    .beyond = c->leg.proxied ? c->leg.host.target.host : NULL,
				    .port = first->port,
				    .family = first->family,
				    .patience_ms = c->wish->patience_ms < STILL_MS
							   ? c->wish->patience_ms
							   : STILL_MS,
				    .color = c->wish->color,
				    .frames = c->wish->frames };
}

/* Both, or none: one without the other tells half. */
static bool start_both(struct company *c, const struct watch_wish *watch,
		       const struct probe_wish *probe, struct error *error)
{
	if (!privilege_check(error))
		return false;
	if (!c->leg.known)
		return error_set(error, EXIT_UNAVAILABLE,
				 "a ProxyCommand makes the connection, and where to is not known");
	if (!prober_start(&c->prober, probe, error))
		return false;
	if (watcher_start(&c->watcher, watch, error))
		return true;
	prober_end(&c->prober);
	return false;
}

static void start_company(struct company *c, const struct watch_wish *watch,
			  const struct probe_wish *probe)
{
	struct error error = { 0 };
	c->watcher.fd = c->prober.fd = -1;
	if (!start_both(c, watch, probe, &error))
		snprintf(c->lacking, sizeof(c->lacking), "its connection was not watched: %s",
			 error.text);
}

static void block_signals(struct company *c, sigset_t *before)
{
	static const int heard[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		sigaddset(&set, heard[i]);
	sigprocmask(SIG_BLOCK, &set, before);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool start_ssh(struct company *c, const sigset_t *mask, struct error *error)
{
	c->started_ns = clock_ns(CLOCK_REALTIME);
	c->ssh = program_start(c->wish->words, &c->person, mask, error);
	return c->ssh >= 0 && program_drop(&c->person, error);
}

static void end_company(struct company *c)
{
	watcher_end(&c->watcher);
	prober_end(&c->prober);
	finding_free(&c->probed);
	close(c->signals);
}

/* ssh itself does not see it, and would say nothing until the machine has no room for one more. */
static void tell_circle(struct company *c)
{
	char words[1024];
	snprintf(words, sizeof(words),
		 "its ProxyJump leads in a circle, from %.255s by way of %.255s to %.255s again: "
		 "ssh starts "
		 "one ssh after another, and none connects",
		 c->leg.host.target.host, c->leg.host.target.proxy_jump, c->leg.host.settings.host);
	tell_words(c, words);
}

static void keep_and_explain(struct company *c, int *code)
{
	if (c->leg.circle)
		tell_circle(c);
	keep_company(c);
	*code = c->code;
	if (c->code == FAILURE)
		explain(c);
	else if (c->code > 128)
		explain_impatience(c);
}

static bool run_company(struct company *c, int *code, struct error *error)
{
	sigset_t before;
	person_find(&c->person);
	leg_find(&c->leg, &c->wish->line->typed, &c->person);
	struct watch_wish watch = watch_wish(c);
	struct probe_wish probe = { .target = &c->wish->line->typed,
				    .jump = c->leg.by_command ? &c->leg.jump : NULL,
				    .color = c->wish->color,
				    .frames = c->wish->frames };
	start_company(c, &watch, &probe);
	block_signals(c, &before);
	bool started = start_ssh(c, &before, error);
	if (started)
		keep_and_explain(c, code);
	end_company(c);
	return started;
}

bool company_keep(const struct company_wish *wish, int *code, struct error *error)
{
	struct company *c = calloc(1, sizeof(*c)); /* too large for a stack */
	if (c == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "out of memory");
	c->wish = wish;
	c->ssh = -1;
	bool started = run_company(c, code, error);
	free(c);
	return started;
}
