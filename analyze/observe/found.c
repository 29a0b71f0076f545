/* What was found on this machine beside the network, as far as it explains anything. */
#include <string.h>

#include "observe/aside.h"
#include "observe/asked.h"
#include "observe/loss.h"

/* -- rules ------------------------------------------------------------------------ */

/* The first rule about that direction that diverts packets, or stops them; for certain or perhaps.
 */
static const struct event *find_rule(const struct run *run, bool incoming, bool diverts)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(run, EVENT_RULE, &i)) != NULL;)
		if (((event->value & RULE_INCOMING) != 0) == incoming && event->word != WORD_NONE &&
		    event->word != WORD_RULE_TRANSLATES &&
		    (event->word == WORD_RULE_DIVERTS) == diverts)
			return event;
	return NULL;
}

static const char *owner_text(const struct observation *o)
{
	size_t i = 0;
	const struct event *event = find_event(o->run, EVENT_OWNER, &i);
	return event != NULL ? arena_format(o->arena, "; %s", event->text) : "";
}

static void explain_by_rule(struct observation *o, const struct event *rule, enum answer answer)
{
	fact_set(o, answer, "a rule of this machine's firewall %s%s %s: %s%s",
		 (rule->value & RULE_CERTAIN) != 0 ? "" : "may be what ",
		 event_word_name(rule->word),
		 (rule->value & RULE_INCOMING) != 0 ? "the answers" : "the connection", rule->text,
		 answer == ANSWER_RULE_DIVERTS ? owner_text(o) : "");
}

static enum answer blocking_answer(const struct event *rule, enum answer answer)
{
	return (rule->value & RULE_BELOW) != 0 ? ANSWER_RULE_BLOCKS_BELOW : answer;
}

static void tell_no_rule(struct observation *o, const struct event *read)
{
	if (read->value > 0)
		return; /* there are rules against it, and none does what is seen: nothing can be
			   said */
	if (read->text[0] != '\0') {
		struct fact *fact = &o->facts->fact[QUESTION_OUT];
		if (fact_answer(o->facts, QUESTION_IN) == ANSWER_IN_IGNORED)
			fact = &o->facts->fact[QUESTION_IN];
		fact->text = arena_format(o->arena, "%s; no nftables rule explains it, but %s",
					  fact->text, read->text);
		return;
	}
	fact_set(o, ANSWER_RULE_NONE, "no rule of this machine's firewall explains it");
}

void observe_rules(struct observation *o)
{
	size_t i = 0;
	const struct event *read = find_event(o->run, EVENT_RULES, &i), *rule = NULL;
	enum answer out = fact_answer(o->facts, QUESTION_OUT);
	bool ignored = fact_answer(o->facts, QUESTION_IN) == ANSWER_IN_IGNORED;
	bool stopped = out != ANSWER_NONE && out != ANSWER_OUT_LEAVES && out != ANSWER_OUT_DIVERTED;
	if (read == NULL)
		return;
	if (out == ANSWER_OUT_DIVERTED) {
		if ((rule = find_rule(o->run, false, true)) != NULL)
			explain_by_rule(o, rule, ANSWER_RULE_DIVERTS);
	} else if (stopped) {
		if ((rule = find_rule(o->run, false, false)) != NULL)
			explain_by_rule(o, rule, blocking_answer(rule, ANSWER_RULE_BLOCKS_OUT));
		/* to a machine that is not there, perhaps: then no SYN leaves either */
		else if ((rule = find_rule(o->run, false, true)) != NULL &&
			 (rule->value & RULE_CERTAIN) != 0)
			explain_by_rule(o, rule, ANSWER_RULE_DIVERTS);
	} else if (ignored) {
		if ((rule = find_rule(o->run, true, false)) != NULL)
			explain_by_rule(o, rule, blocking_answer(rule, ANSWER_RULE_BLOCKS_IN));
	} else {
		return;
	}
	if (rule == NULL)
		tell_no_rule(o, read);
}

/* -- the user's files --------------------------------------------------------------- */

static const struct event *find_mode(const struct run *run, enum event_word word)
{
	const struct event *event;
	for (size_t i = 0; (event = find_event(run, EVENT_MODE, &i)) != NULL;)
		if (event->word == word)
			return event;
	return NULL;
}

/* All files that ssh judges so, with commas between. */
static const char *list_modes(const struct run *run, enum event_word word, struct arena *arena)
{
	const struct event *event;
	const char *text = "";
	for (size_t i = 0; (event = find_event(run, EVENT_MODE, &i)) != NULL;)
		if (event->word == word)
			text = arena_format(arena, "%s%s%s", text, *text ? ", " : "", event->text);
	return text;
}

/* What ssh would make of the user's files, whether it comes so far or not: as the worst of them
 * is. */
static struct aside judge_modes(const struct run *run, struct arena *arena)
{
	static const struct {
		enum event_word word;
		enum answer answer;
		const char *text;
	} rows[] = {
		{ WORD_MODE_FATAL, ANSWER_PERMISSIONS_REFUSED, "ssh ends over its configuration" },
		{ WORD_MODE_REFUSED, ANSWER_PERMISSIONS_REFUSED,
		  "ssh refuses the only keys it would try" },
		{ WORD_MODE_PARTLY, ANSWER_PERMISSIONS_SOME, "ssh refuses some of its keys" },
		{ WORD_MODE_UNUSED, ANSWER_PERMISSIONS_SOME,
		  "ssh would refuse these keys if asked to use them" },
		{ WORD_MODE_DIFFERS, ANSWER_PERMISSIONS_WIDE,
		  "ssh accepts its files, though the guide has other modes" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (find_mode(run, rows[i].word) != NULL)
			return (struct aside){
				.answer = rows[i].answer,
				.text = arena_format(arena, "%s: %s", rows[i].text,
						     list_modes(run, rows[i].word, arena)),
			};
	if (find_mode(run, WORD_MODE_FINE) == NULL)
		return (struct aside){ .answer = ANSWER_NONE };
	return (struct aside){
		.answer = ANSWER_PERMISSIONS_FINE,
		.text = "the files in ~/.ssh have the modes that the guide asks for",
	};
}

/* Keys matter once the server offers to take one. */
static bool keys_matter(const struct event *auth)
{
	return auth != NULL && strstr(auth->text, "publickey") != NULL;
}

/* The last event about ssh's configuration: a proxy is told of when it is found, and again when it
 * was tried. */
static const struct event *last_configuration(const struct run *run)
{
	const struct event *event, *last = NULL;
	for (size_t i = 0; (event = find_event(run, EVENT_CONFIG, &i)) != NULL;)
		last = event;
	return last;
}

/* ssh's configuration leads it another way than the one that is probed. */
static void judge_configuration(struct observation *o)
{
	const struct event *config = last_configuration(o->run);
	/* what diverts every connection diverts ssh's too */
	if (config == NULL || fact_answer(o->facts, QUESTION_OUT) == ANSWER_OUT_DIVERTED)
		return;
	if (config->word == WORD_CONFIG_PROXIED)
		fact_set(o, ANSWER_CONFIG_PROXIED, "ssh itself would not connect directly: %s",
			 config->text);
	else if (config->word == WORD_CONFIG_PROXY_ANSWERS)
		fact_set(o, ANSWER_CONFIG_WORKS,
			 "ssh itself does not connect directly; its proxy leads to an SSH server: "
			 "%s",
			 config->text);
	else if (config->word == WORD_CONFIG_PROXY_SILENT) /* its words may be lost like others */
		fact_accident(fact_set(o, ANSWER_CONFIG_SILENT,
				       "ssh itself does not connect directly, and its proxy says "
				       "nothing for seconds: %s",
				       config->text),
			      ANSWER_CONFIG_WORKS, paths_loss_feared(&o->facts->paths));
	else if (config->word == WORD_CONFIG_PROXY_FAILS)
		fact_set(o, ANSWER_CONFIG_FAILS,
			 "ssh itself does not connect directly, and its proxy fails: %s",
			 config->text);
	else if (config->word == WORD_CONFIG_DIRECT && o->run->via != NULL)
		fact_set(
			o, ANSWER_CONFIG_DIRECT,
			"ssh goes by way of the jump host %s%s, and directly to that one; this leg "
			"was probed",
			o->run->via, setting_quoted(o, "proxyjump"));
	else if (config->word == WORD_CONFIG_DIRECT)
		fact_set(o, ANSWER_CONFIG_DIRECT, "ssh's configuration leads directly to the VM");
}

void observe_files(struct observation *o)
{
	struct aside modes = judge_modes(o->run, o->arena);
	enum answer ssh = fact_answer(o->facts, QUESTION_SSH);
	bool reached = ssh == ANSWER_SSH_AUTH || ssh == ANSWER_SSH_AUTH_REFUSED ||
		       ssh == ANSWER_SSH_NO_KEY || ssh == ANSWER_SSH_AUTH_STALLED;
	bool fatal = find_mode(o->run, WORD_MODE_FATAL) != NULL;
	/* then it is not known either what ssh would look up */
	reached |= fatal && o->run->address.family == 0;
	size_t n = 0;
	const struct event *auth = find_event(o->run, EVENT_AUTH, &n);
	if (reached && modes.answer != ANSWER_NONE && (fatal || keys_matter(auth)))
		fact_set(o, modes.answer, "%s", modes.text);
	else if (reached && auth != NULL && auth->text[0] != '\0' && !keys_matter(auth))
		fact_set(o, ANSWER_PERMISSIONS_FINE,
			 "the server takes no keys: what modes their files have does not matter");
	judge_configuration(o);
}

/* -- asides ------------------------------------------------------------------------- */

static bool syn_is_silent(const struct facts *facts)
{
	return fact_answer(facts, QUESTION_SYN) == ANSWER_SYN_SILENT;
}

static void add_aside(struct aside asides[ASIDES_MAX], size_t *count, enum answer answer,
		      const char *text)
{
	if (*count < ASIDES_MAX)
		asides[(*count)++] = (struct aside){ .answer = answer, .text = text };
}

/* A jump host over which ssh comes to the VM is on the way that was probed. */
static bool leads_on(const struct run *run, const struct event *config)
{
	return run->via != NULL && config->word == WORD_CONFIG_PROXY_ANSWERS;
}

size_t find_asides(const struct run *run, const struct facts *facts, struct arena *arena,
		   struct aside asides[ASIDES_MAX])
{
	size_t count = 0;
	const struct event *config = last_configuration(run);
	const struct event *in = find_rule(run, true, false);
	/* no answer came that the rule could have stopped */
	if (in != NULL && (in->value & RULE_CERTAIN) != 0 && syn_is_silent(facts) &&
	    fact_answer(facts, QUESTION_RULE) != blocking_answer(in, ANSWER_RULE_BLOCKS_IN))
		add_aside(
			asides, &count, blocking_answer(in, ANSWER_RULE_BLOCKS_IN),
			arena_format(
				arena,
				"a rule of this machine's firewall %s answers, should any come: %s",
				event_word_name(in->word), in->text));
	struct aside modes = judge_modes(run, arena);
	if (modes.answer != ANSWER_NONE && modes.answer != ANSWER_PERMISSIONS_FINE)
		add_aside(asides, &count, modes.answer, modes.text);
	if (config != NULL && config->word == WORD_CONFIG_PROXY_FAILS)
		add_aside(asides, &count, ANSWER_CONFIG_FAILS,
			  arena_format(arena,
				       "ssh itself connects through a proxy, which fails: %s",
				       config->text));
	else if (config != NULL && config->word != WORD_CONFIG_DIRECT && !leads_on(run, config))
		add_aside(asides, &count, ANSWER_CONFIG_PROXIED,
			  arena_format(arena,
				       "ssh itself %s through a proxy, not directly as probed: %s",
				       config->word == WORD_CONFIG_MAY_BE_PROXIED ? "may connect"
										  : "connects",
				       config->text));
	return count;
}
