/* How much is lost on the way, and what silence is worth there. */
#include "observe/loss.h"

#include <math.h>

#include "sshwhy/patience.h"

static uint8_t least_answered(const struct exchange *exchange)
{
	uint8_t least = 0;
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		bool answered = sent->reply == REPLY_SYN_ACK || sent->reply == REPLY_RESET;
		if (!sent->data && answered && (least == 0 || sent->ttl < least))
			least = sent->ttl;
	}
	return least;
}

static bool is_sweep(const struct exchange *exchange)
{
	return exchange->purpose == PURPOSE_SWEEP || exchange->purpose == PURPOSE_CONTROL;
}

/* Counts the packets of one exchange that were answered, and those that were not although others of
 * their kind are. They are counted by who answers, each router for itself and the far end, since a
 * link that loses packets loses only those that cross it. A router's silence is not counted here
 * but in `missed`, where its answer to another packet shows that no ICMP limit was the reason. */
static void weigh_answers(const struct exchange *exchange, int64_t now_ns, struct paths *paths)
{
	uint8_t least = least_answered(exchange);
	uint32_t seen = 0; /* bit per TTL */
	for (unsigned i = 0; i < exchange->sent_count; i++) {
		const struct sent *sent = &exchange->sent[i];
		bool expected = least != 0 && sent->ttl >= least;
		if (sent->data || sent->diverted)
			continue;
		/* Of a sweep the first to arrive is by definition answered, and to those behind it
		 * on the same ports a firewall or NAT that remembers connections owes nothing. */
		if (expected && is_sweep(exchange) && sent->ttl <= PATH_TTL_MAX)
			continue;
		if (sent->reply == REPLY_EXCEEDED && sent->ttl < PATH_TTL_MAX) {
			paths->router[sent->ttl].answered++;
			paths->flows[sent->ttl] += (seen >> sent->ttl & 1) == 0;
			seen |= UINT32_C(1) << sent->ttl;
		} else if (expected && sent->reply != REPLY_NONE)
			paths->far_end.answered++;
		else if (expected && now_ns - sent->time_ns >= ANSWER_PATIENCE)
			paths->far_end.lost++;
	}
}

unsigned again_ripe(const struct connection *connection, int64_t now_ns)
{
	unsigned ripe = 0;
	for (unsigned i = 0; i < connection->again_sent; i++)
		ripe += now_ns - connection->again_ns[i] >= ANSWER_PATIENCE;
	return ripe;
}

/* Copies of acknowledged words that were not acknowledged again. Where no copy was, somebody may
 * have silenced this conversation on purpose: then they say nothing of how much the way loses. */
static unsigned again_lost(const struct connection *connection, int64_t now_ns)
{
	unsigned ripe = again_ripe(connection, now_ns), acked = connection->acked_again;
	return acked > 0 && ripe > acked ? ripe - acked : 0;
}

void loss_weigh(const struct track *track, int64_t now_ns, struct paths *paths)
{
	struct replies *far_end = &paths->far_end;
	for (size_t i = 0; i < track->count; i++) {
		const struct connection *c = track->exchanges[i]->connection;
		weigh_answers(track->exchanges[i], now_ns, paths);
		if (c == NULL)
			continue;
		far_end->lost += c->syn_acks_late + c->repeated + again_lost(c, now_ns);
		far_end->answered += c->acked_segments + c->acked_again;
	}
	for (uint8_t ttl = 1; ttl < PATH_TTL_MAX; ttl++)
		if (paths->ssh.hop[ttl].reply == REPLY_EXCEEDED)
			paths->router[ttl].lost += paths->ssh.hop[ttl].missed;
}

/* What counts as seen on every way before any packet is (the prior of the Beta-binomial): most ways
 * lose next to nothing. */
#define LOST_BEFORE	0.5
#define ANSWERED_BEFORE 2.0

struct evidence {
	double lost, answered;
};

static struct evidence evidence_of_far_end(const struct paths *paths)
{
	return (struct evidence){ .lost = LOST_BEFORE + paths->far_end.lost,
				  .answered = ANSWERED_BEFORE + paths->far_end.answered };
}

/* Of packets that come past `ttl`, whoever answers. */
static struct evidence evidence_behind(const struct paths *paths, uint8_t ttl)
{
	struct evidence evidence = evidence_of_far_end(paths);
	for (uint8_t t = ttl; t < PATH_TTL_MAX; t++) {
		evidence.lost += paths->router[t].lost;
		evidence.answered += paths->router[t].answered;
	}
	return evidence;
}

static double all_lost(struct evidence evidence, unsigned silences)
{
	double chance = 1;
	for (unsigned i = 0; i < silences; i++)
		chance *= (evidence.lost + i) / (evidence.lost + evidence.answered + i);
	return chance;
}

double paths_accident(const struct paths *paths, uint8_t ttl, unsigned silences)
{
	return all_lost(evidence_behind(paths, ttl), silences);
}

double far_end_accident(const struct paths *paths, unsigned silences)
{
	return all_lost(evidence_of_far_end(paths), silences);
}

double paths_loss(const struct paths *paths)
{
	struct evidence evidence = evidence_of_far_end(paths);
	return evidence.lost / (evidence.lost + evidence.answered);
}

double paths_loss_feared(const struct paths *paths)
{
	struct evidence evidence = evidence_of_far_end(paths);
	double packets = evidence.lost + evidence.answered, loss = evidence.lost / packets;
	double feared = loss + sqrt(loss * (1 - loss) / (packets + 1));
	return feared < 1 ? feared : 1;
}
