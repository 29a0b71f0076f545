/* How far SSH itself comes once TCP is connected, and who ends it: which stage the conversation
 * has reached, and what each stage makes of what is seen.
 *
 * This file is the table and who moves along it. Its guards and tellers stand in the files that
 * judge.h names. */
#include "observe/asked.h"
#include "observe/judge.h"
#include "observe/words.h"

enum stage {
	TOLD = 0,	    /* the end: the question is answered */
	UNDECIDED = 1 << 0, /* the end: what is seen explains itself otherwise, or may yet change */
	UNCONNECTED = 1 << 1,
	UNREADABLE = 1 << 2, /* the capture lacks words, or one side speaks no SSH 2 */
	SILENT = 1 << 3,     /* the server has not said a word */
	TALKING = 1 << 4,    /* it has, but not its identification */
	IDENTIFIED = 1 << 5, /* it has identified itself */
	KEYS = 1 << 6,	     /* it has named its algorithms too, and has heard the client */
	AUTHENTICATION = 1 << 7,
	GREETED = IDENTIFIED | KEYS,
	CONNECTED = UNREADABLE | SILENT | TALKING | GREETED,
	/* where several stages lead to */
	CLIENT_LOST = 1 << 8,	/* one segment of the client's is not acknowledged */
	SERVER_LOST = 1 << 9,	/* bytes of the server's do not come */
	SMALL_PASSED = 1 << 10, /* a second conversation, in small segments, came further */
	BY_LENGTHS = 1 << 11,
};

/* At one of the stages `at`, while all guards hold: the first such row holds. It tells, and
 * that is the end, or leads to another stage. */
struct ruling {
	unsigned at;
	guard *guards[4];
	teller *tell;
	enum stage to;
};

static const struct ruling rulings[] = {
	{ UNCONNECTED, { works_unseen, has_nothing_to_offer }, tell_no_key, TOLD },
	{ UNCONNECTED, { works_unseen }, tell_auth_unseen, TOLD },
	{ UNCONNECTED, { is_unconnected, socket_is_destroyed }, tell_destroyed, TOLD },

	{ AUTHENTICATION, { has_nothing_to_offer }, tell_no_key, TOLD },
	{ AUTHENTICATION, { is_refused }, tell_auth_refused, TOLD },
	{ AUTHENTICATION, { login_stalls }, tell_login_stalled, TOLD },
	{ AUTHENTICATION, { goes_on_after_reset }, tell_survived, TOLD },
	{ AUTHENTICATION, { NULL }, tell_auth, TOLD },

	{ CONNECTED, { takes_no_part }, NULL, UNDECIDED },
	{ CONNECTED, { reset_forestalls }, tell_forestalled, TOLD },
	{ CONNECTED, { socket_is_destroyed }, tell_destroyed, TOLD },
	{ CONNECTED, { ends_on_loopback }, tell_ended_on_loopback, TOLD },
	{ CONNECTED, { resets_itself }, tell_reset_itself, TOLD },

	/* that the client is not heard shows all the same */
	{ UNREADABLE, { is_open, begins_like_ssh, client_is_unheard }, tell_client_unheard, TOLD },
	{ UNREADABLE, { is_open, client_segment_vanishes }, NULL, CLIENT_LOST },
	{ UNREADABLE, { is_open, begins_like_ssh, identification_unheard }, tell_swallowed, TOLD },
	/* what our own handshake has heard is known all the same, even where the capture cut it */
	{ UNREADABLE, { hears_another_protocol }, tell_other, TOLD },
	{ UNREADABLE, { hears_only_lines }, tell_drip, TOLD },
	{ UNREADABLE, { never_comes_further }, tell_endless, TOLD },
	{ UNREADABLE, { is_unfollowed }, tell_unfollowed, TOLD },
	{ UNREADABLE, { client_finds_none_in_common }, tell_none_in_common, TOLD },
	{ UNREADABLE, { takes_leave }, tell_leave, TOLD },
	{ UNREADABLE, { breaks_protocol }, tell_broken, TOLD },
	{ UNREADABLE, { NULL }, NULL, BY_LENGTHS },

	{ SILENT, { server_ended, ended_by_words, reset_is_bare }, tell_gone, TOLD },
	{ SILENT, { server_ended, ended_by_words }, tell_hung_up, TOLD },
	{ SILENT, { server_ended }, tell_closed, TOLD },
	{ SILENT, { identification_unheard }, tell_deaf, TOLD },
	{ SILENT, { client_is_unacknowledged }, NULL, UNDECIDED },
	{ SILENT, { server_bytes_vanish }, NULL, SERVER_LOST },
	{ SILENT, { window_stays_closed }, tell_held, TOLD },
	{ SILENT, { service_is_mute }, tell_mute, TOLD },

	{ TALKING, { is_not_ssh }, tell_other, TOLD },
	{ TALKING, { server_ended, sshd_refuses }, tell_limited, TOLD },
	{ TALKING, { server_ended }, tell_refused_in_words, TOLD },
	{ TALKING, { lines_go_on }, tell_drip, TOLD },

	{ GREETED, { never_comes_further }, tell_endless, TOLD },
	{ GREETED, { is_open, client_is_unheard }, tell_client_unheard, TOLD },
	{ GREETED, { is_open, size_may_be_why, client_segment_vanishes }, NULL, CLIENT_LOST },
	{ GREETED, { is_open, size_may_be_why, server_bytes_vanish }, NULL, SERVER_LOST },
	{ GREETED, { is_open, small_went_further }, NULL, SMALL_PASSED },

	{ IDENTIFIED, { takes_leave }, tell_leave, TOLD },
	{ IDENTIFIED, { breaks_protocol }, tell_broken, TOLD },
	{ IDENTIFIED, { server_ended }, tell_cut, TOLD },
	{ IDENTIFIED, { identification_unheard }, tell_swallowed, TOLD },
	{ IDENTIFIED, { client_is_acknowledged, conversation_stalls }, tell_stalled, TOLD },

	{ KEYS, { is_unfollowed }, tell_unfollowed, TOLD },
	{ KEYS, { algorithms_differ }, tell_algorithms_differ, TOLD },
	{ KEYS, { client_finds_none_in_common }, tell_none_in_common, TOLD },
	{ KEYS, { takes_leave }, tell_leave, TOLD },
	{ KEYS, { breaks_protocol }, tell_broken, TOLD },
	{ KEYS, { server_ended_first }, tell_kex_cut, TOLD },
	{ KEYS, { key_exchange_stalls }, tell_kex_stalled, TOLD },

	{ CLIENT_LOST, { others_may_vanish }, NULL, UNDECIDED },
	{ CLIENT_LOST, { NULL }, tell_client_segment, TOLD },

	{ SERVER_LOST, { is_lossy, is_open, small_went_further }, NULL, SMALL_PASSED },
	{ SERVER_LOST, { is_lossy }, NULL, UNDECIDED },
	{ SERVER_LOST, { only_large_ones_vanish }, tell_server_segment, TOLD },
	{ SERVER_LOST, { NULL }, tell_server_unheard, TOLD },

	/* where size is not why the first stood still, that was chance: the second counts */
	{ SMALL_PASSED, { size_is_refuted, small_reaches_auth }, tell_small_auth, TOLD },
	{ SMALL_PASSED, { size_is_refuted }, NULL, UNDECIDED },
	{ SMALL_PASSED, { chance_may_be_why }, NULL, UNDECIDED },
	{ SMALL_PASSED, { NULL }, tell_small_went_further, TOLD },

	{ BY_LENGTHS, { goes_on_by_lengths }, tell_goes_on_by_lengths, TOLD },
	{ BY_LENGTHS, { is_cut_by_lengths }, tell_cut_by_lengths, TOLD },
};

static bool ruling_applies(const struct ruling *ruling, const struct observation *o,
			   enum stage stage)
{
	if ((ruling->at & (unsigned)stage) == 0)
		return false;
	for (size_t i = 0; i < sizeof(ruling->guards) / sizeof(ruling->guards[0]); i++)
		if (ruling->guards[i] != NULL && !ruling->guards[i](o))
			return false;
	return true;
}

/* A stage that no row leaves waits for more to be seen. */
static enum stage next_stage(struct observation *o, enum stage stage)
{
	for (size_t i = 0; i < sizeof(rulings) / sizeof(rulings[0]); i++) {
		if (!ruling_applies(&rulings[i], o, stage))
			continue;
		if (rulings[i].tell != NULL)
			rulings[i].tell(o);
		return rulings[i].to;
	}
	return UNDECIDED;
}

static enum stage move_along(struct observation *o, enum stage stage)
{
	while (stage != TOLD && stage != UNDECIDED)
		stage = next_stage(o, stage);
	return stage;
}

/* -- the stage that is reached ------------------------------------------------------ */

/* In somebody else's capture: a service request and its answer follow NEWKEYS. */
static bool reaches_authentication(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return is_refused(o) || event_of(o, EVENT_AUTH) != NULL ||
	       (!o->run->planned && c->encrypted[SSH_CLIENT] > 0 && c->encrypted[SSH_SERVER] > 0);
}

static bool reaches_keys(const struct connection *c)
{
	/* what the server says after the end did not come before it */
	bool ended_before =
		c->server_data_after_end && c->dialog.side[SSH_CLIENT].milestone < SSH_KEXINIT;
	return c->dialog.side[SSH_SERVER].milestone >= SSH_KEXINIT && c->client_acked_frame != 0 &&
	       !ended_before;
}

static enum stage stage_of(const struct observation *o)
{
	if (!converses(o))
		return UNCONNECTED;
	if (reaches_authentication(o))
		return AUTHENTICATION;
	if (!words_are_readable(o))
		return UNREADABLE;
	const struct connection *c = o->kernel->connection;
	enum ssh_milestone server = c->dialog.side[SSH_SERVER].milestone;
	if (server < SSH_IDENTIFIED)
		return server == SSH_TALKING ? TALKING : SILENT;
	return reaches_keys(c) ? KEYS : IDENTIFIED;
}

void observe_ssh(struct observation *o)
{
	/* Whoever counts packets may have let the first of the conversation pass. */
	if (fact_answer(o->facts, QUESTION_LATER) != ANSWER_NONE)
		return;
	enum stage stage = stage_of(o);
	bool told = move_along(o, stage) == TOLD;
	if (!told && stage != UNCONNECTED && words_are_damaged(o))
		move_along(o, BY_LENGTHS);
	/* A box of the organisation's that gives the answer may relay as it should. */
	if (stage == UNREADABLE && fact_answer(o->facts, QUESTION_SSH) == ANSWER_NONE)
		fact_forget(o, QUESTION_WHO);
}
