/* Packets in the VM's name that answer nothing which was sent: somebody forges them. No fact rests
 * on them. */
#include "observe/asked.h"

/* So few may be late answers to an earlier connection with the same ports. */
#define FORGED_MANY 32

static bool resets_end_it(const struct observation *o)
{
	switch (fact_answer(o->facts, QUESTION_SSH)) {
	case ANSWER_SSH_CLOSED:
	case ANSWER_SSH_CUT:
	case ANSWER_SSH_HUNG_UP:
	case ANSWER_SSH_KEX_CUT:
		return o->kernel->connection->server_reset_frame != 0 &&
		       o->track->strays.count[STRAY_RESET] >= FORGED_MANY;
	default:
		return false;
	}
}

void observe_forged(struct observation *o)
{
	const struct strays *strays = &o->track->strays;
	const uint64_t *count = strays->count;
	uint64_t segments = count[STRAY_SYN_ACK] + count[STRAY_RESET] + count[STRAY_SEGMENT];
	bool ends = resets_end_it(o);
	if (!o->run->planned || segments + count[STRAY_ERROR] < FORGED_MANY)
		return;
	struct fact *fact = fact_set(
		o, ends ? ANSWER_FORGED_ENDED : ANSWER_FORGED_IGNORED,
		"somebody sends packets in the VM's name that it did not send: %llu resets, %llu "
		"SYN-ACKs and %llu other segments that answer nothing which was sent, and %llu "
		"ICMP errors that quote nothing which was sent; %s",
		(unsigned long long)count[STRAY_RESET], (unsigned long long)count[STRAY_SYN_ACK],
		(unsigned long long)count[STRAY_SEGMENT], (unsigned long long)count[STRAY_ERROR],
		ends ? "and a reset ends the connection" : "none of them counts here");
	for (unsigned i = 0; i < strays->examples; i++)
		fact_packet(fact, strays->example[i]);
	if (ends)
		fact_packet(fact, o->kernel->connection->server_reset_frame);
}
