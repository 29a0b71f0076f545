/* What other ports of the VM answer: the control ports, and those on which SSH may be. */
#include <stdio.h>
#include <string.h>

#include "observe/asked.h"
#include "observe/distance.h"
#include "observe/path.h"

static bool control_answers(const struct observation *o, const struct path *path)
{
	if (path->terminal == 0 || path->hop[path->terminal].reply == REPLY_UNREACHABLE)
		return false;
	/* What the edge answers in the VM's place says nothing of the VM. */
	enum answer place = who_at(o, path->terminal, path->reply_ttl);
	return place == ANSWER_WHO_VM || place == ANSWER_WHO_LAST || place == ANSWER_WHO_BEYOND ||
	       place == ANSWER_WHO_CLOUD ||
	       (place == ANSWER_WHO_UNCLEAR && !within_edge(&o->facts->paths, path->terminal));
}

void observe_control(struct observation *o)
{
	enum answer syn = fact_answer(o->facts, QUESTION_SYN);
	const struct paths *paths = &o->facts->paths;
	if (paths->control_count == 0 ||
	    (syn != ANSWER_SYN_SILENT && syn != ANSWER_SYN_ROUTER_PROHIBITED &&
	     syn != ANSWER_SYN_ROUTER_UNREACHABLE && syn != ANSWER_SYN_ROUTER_GAVE_UP))
		return;
	if (fact_answer(o->facts, QUESTION_WHERE) == ANSWER_WHERE_EDGE_ALL)
		return; /* that says it: no other port answers */
	char ports[64] = "";
	unsigned unreachable = 0;
	for (size_t i = 0; i < paths->control_count; i++) {
		const struct path *path = &paths->control[i];
		const struct path_hop *hop = &path->hop[path->terminal];
		if (control_answers(o, path)) {
			fact_packet(fact_set(o, ANSWER_CONTROL_ANSWERS,
					     "port %u of the same address answers with %s",
					     path->port,
					     hop->reply == REPLY_SYN_ACK ? "SYN-ACK" : "a reset"),
				    hop->reply_frame);
			return;
		}
		unreachable += path->terminal != 0 && hop->reply == REPLY_UNREACHABLE;
		size_t used = strlen(ports);
		snprintf(ports + used, sizeof(ports) - used, "%s%u", i ? ", " : "", path->port);
	}
	if (unreachable == paths->control_count)
		fact_set(o, ANSWER_CONTROL_UNREACHABLE,
			 "other ports (%s) are reported unreachable as well", ports);
	else if (syn != ANSWER_SYN_SILENT || paths_are_swept(paths))
		fact_set(o, ANSWER_CONTROL_SILENT, "other ports (%s) do not answer either", ports);
}

/* Whether nothing can be said of this port yet: no SYN has left for it, or only one where `twice`
 * asks for two (packets are lost, or a verdict rests on it); or it is open and who listens there
 * has not been heard out. */
static bool is_unsure_of(const struct observation *o, const struct exchange *exchange, bool twice)
{
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		if (sent->reply == REPLY_SYN_ACK && exchange->way != WAY_KERNEL)
			return o->now_ns - sent->reply_ns < VERIFIED_WITHIN;
		if (sent->reply != REPLY_NONE)
			return false;
	}
	return exchange->sent_count < (twice && exchange->way != WAY_KERNEL ? 2 : 1);
}

static bool is_heard_out(const struct observation *o, uint16_t port)
{
	const struct exchange *exchange;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_ELSEWHERE, &i)) != NULL;)
		if (exchange->way == WAY_KERNEL && exchange->remote_port == port)
			return o->now_ns - exchange->opened_ns >= HEARD_OUT;
	return false;
}

/* Who listens on the VM was read there, and each who may be an SSH server was heard out. */
static void judge_listeners(struct observation *o)
{
	const struct event *event;
	char texts[400] = "";
	bool told = false;
	for (size_t i = 0; (event = find_event(o->run, EVENT_LISTENER, &i)) != NULL; told = true) {
		size_t used = strlen(texts);
		if (event->value != 0 && !is_heard_out(o, (uint16_t)event->value))
			return;
		snprintf(texts + used, sizeof(texts) - used, "%s%s", used > 0 ? "; " : "",
			 event->text);
	}
	if (!told)
		return;
	if (texts[0] == '\0')
		fact_set(o, ANSWER_INSTEAD_NO,
			 "no SSH server listens on another port of this machine");
	else
		fact_set(o, ANSWER_INSTEAD_NO,
			 "no SSH server answers on another port of this machine, though %s", texts);
}

void observe_elsewhere(struct observation *o)
{
	const struct exchange *exchange;
	const struct paths *paths = &o->facts->paths;
	unsigned asked = 0, unsure = 0;
	enum answer syn = fact_answer(o->facts, QUESTION_SYN);
	bool closed = syn == ANSWER_SYN_RESET;
	for (size_t i = 0; (exchange = track_next(o->track, PURPOSE_ELSEWHERE, &i)) != NULL;) {
		asked += exchange->way != WAY_KERNEL;
		unsure += is_unsure_of(o, exchange, closed || paths->far_end.lost > 0);
		if (exchange->connection == NULL)
			continue;
		const struct ssh_side *server = &exchange->connection->dialog.side[SSH_SERVER];
		if (server->milestone < SSH_IDENTIFIED)
			continue;
		fact_packet(fact_set(o, closed ? ANSWER_INSTEAD_YES : ANSWER_ELSEWHERE_YES,
				     "SSH answers on port %u: %s", exchange->remote_port,
				     server->ident),
			    exchange->connection->server_data_frame);
		return;
	}
	/* What we hand to the loopback interface comes to nobody. */
	if (asked > 0 && unsure == 0 && !o->wire_is_loopback &&
	    (closed || syn == ANSWER_SYN_SILENT))
		fact_set(o, closed ? ANSWER_INSTEAD_NO : ANSWER_ELSEWHERE_NO,
			 "SSH does not answer on %u other usual ports", asked);
	else if (closed)
		judge_listeners(o);
}
