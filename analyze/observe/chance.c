#include "observe/chance.h"

#include <math.h>

#include "observe/judge.h"
#include "observe/loss.h"

/* Of a conversation: in each of them words may be lost. */
#define STEPS_WITH_LOSS 10

unsigned echoes_missed(const struct observation *o)
{
	const struct connection *c = o->kernel->connection;
	return c->acked_again == 0 ? again_ripe(c, o->now_ns) : 0;
}

/* How likely it is that each of so many copies was lost, or its answer was; and so each copy of
 * older words that drew no answer either. */
static double lost_by_chance(const struct observation *o, unsigned copies)
{
	return far_end_accident(&o->facts->paths, copies + echoes_missed(o));
}

static bool no_accident(const struct observation *o, unsigned copies)
{
	return lost_by_chance(o, copies) <= ACCIDENT;
}

bool unheard_for_good(const struct observation *o, unsigned copies)
{
	return at_the_vm(o->run) ? copies > 1 : no_accident(o, copies);
}

/* Where so much is lost, what stalled once and passed the next time was chance. */
#define LOSSY 0.2

bool is_lossy(const struct observation *o)
{
	return paths_loss(&o->facts->paths) > LOSSY;
}

/* On a way that loses more than this, one copy more is asked for. */
#define SOME_LOSS 0.15

bool loss_may_delay_client(const struct observation *o)
{
	const struct awaited *awaited = &o->kernel->connection->awaited;
	bool some_loss = paths_loss(&o->facts->paths) > SOME_LOSS;
	unsigned enough = some_loss ? COPIES_ENOUGH + 1 : COPIES_ENOUGH;
	unsigned copies = awaited->sent + echoes_missed(o);
	return awaited->sent > 0 && (copies < enough || !no_accident(o, awaited->sent));
}

/* -- the server's words --------------------------------------------------------------- */

/* A server sends its words again until they are acknowledged, each time after twice as long
 * (RFC 6298). Times are ns. */
struct repetition {
	double copy_lost; /* how likely it is that one copy is lost on its way here */
	double all_lost;  /* that all copies so far are */
	double waited;	  /* since the first copy left */
	double pause;	  /* until the next one does */
};

static struct repetition first_copy(const struct observation *o)
{
	const struct sent *syn = opening(o->kernel);
	double copy_lost = 1 - sqrt(1 - paths_loss_feared(&o->facts->paths));
	double pause = (double)(syn->reply_ns - syn->time_ns) * 3;
	if (pause < (double)LEAST_TIMEOUT)
		pause = (double)LEAST_TIMEOUT;
	return (struct repetition){ .copy_lost = copy_lost, .all_lost = copy_lost, .pause = pause };
}

static void next_copy(struct repetition *repetition)
{
	repetition->waited += repetition->pause;
	repetition->all_lost *= repetition->copy_lost;
	repetition->pause *= 2;
}

int64_t speech_patience(const struct observation *o)
{
	const double most = (double)SPEECH_AT_MOST;
	struct repetition words = first_copy(o);
	while (words.all_lost > ACCIDENT / STEPS_WITH_LOSS && words.waited < most)
		next_copy(&words);
	if (words.waited > most)
		words.waited = most;
	return words.waited > (double)SPEECH_PATIENCE ? (int64_t)words.waited : SPEECH_PATIENCE;
}

int64_t mute_patience(const struct observation *o)
{
	int64_t speech = speech_patience(o);
	return speech > MUTE_PATIENCE ? speech : MUTE_PATIENCE;
}

/* -- accidents ------------------------------------------------------------------------ */

/* `chance`: that it happens at this step; it may at each of the others as well. What has come to
 * the VM was not lost on the way. */
static void unless_lost(const struct observation *o, struct fact *fact, double chance)
{
	if (!at_the_vm(o->run))
		fact_accident(fact, ANSWER_SSH_AUTH, STEPS_WITH_LOSS * chance);
}

void unless_copies_lost(const struct observation *o, struct fact *fact, unsigned copies)
{
	unless_lost(o, fact, lost_by_chance(o, copies));
}

void unless_speech_lost(const struct observation *o, struct fact *fact)
{
	struct repetition words = first_copy(o);
	int64_t silent_ns = o->now_ns - o->kernel->connection->progress_ns;
	while (words.waited + words.pause <= (double)silent_ns)
		next_copy(&words);
	double silenced = echoes_missed(o) > 0 ? lost_by_chance(o, 0) : 1;
	unless_lost(o, fact, words.all_lost < silenced ? words.all_lost : silenced);
}

void unless_words_lost(const struct observation *o, struct fact *fact)
{
	unsigned copies = o->kernel->connection->awaited.sent;
	if (copies > 0)
		unless_copies_lost(o, fact, copies);
	else
		unless_speech_lost(o, fact);
}
