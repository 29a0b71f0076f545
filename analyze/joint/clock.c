/* How far apart the clocks of two captures are.
 *
 * A client's packet is seen in the second capture by the clocks' offset and its delay later
 * than in the first; a server's packet by the offset, less its delay. The least of both, over
 * many packets, leave the offset an interval as wide as the fastest round trip between the
 * two places: its middle is right when both ways take the same time, which nothing shows.
 */
#include "joint/state.h"

static bool same_packet(const struct step *a, const struct step *b)
{
	return a->from_client == b->from_client && a->at == b->at && a->length == b->length &&
	       a->flags == b->flags && a->acknowledged == b->acknowledged &&
	       a->stamped == b->stamped && a->timestamp == b->timestamp;
}

static unsigned count_copies(const struct trace *trace, const struct step *step)
{
	unsigned count = 0;
	for (unsigned i = 0; i < trace->count; i++)
		count += !trace->steps[i].rejects && same_packet(&trace->steps[i], step);
	return count;
}

static void learn_up(struct shift *shift, int64_t later_ns)
{
	if (!shift->up || later_ns < shift->up_ns)
		shift->up_ns = later_ns;
	shift->up = true;
}

/* `later_ns`: how much later the first capture shows the packet than the second. */
static void learn_down(struct shift *shift, int64_t later_ns)
{
	if (!shift->down || later_ns < shift->down_ns)
		shift->down_ns = later_ns;
	shift->down = true;
}

void shift_learn(struct shift *shift, const struct trace *first, const struct trace *second)
{
	for (unsigned i = 0; i < first->count; i++) {
		const struct step *step = &first->steps[i];
		if (step->rejects || step->number == 0 || count_copies(first, step) != 1 ||
		    count_copies(second, step) != 1)
			continue;
		for (unsigned n = 0; n < second->count; n++) {
			const struct step *other = &second->steps[n];
			if (other->rejects || other->number == 0 || !same_packet(step, other))
				continue;
			if (step->from_client)
				learn_up(shift, other->time_ns - step->time_ns);
			else
				learn_down(shift, step->time_ns - other->time_ns);
		}
	}
}

bool shift_offset(const struct shift *shift, int64_t *ahead_ns, int64_t *within_ns)
{
	*within_ns = 0;
	*ahead_ns = shift->up ? shift->up_ns : -shift->down_ns;
	if (!shift->up || !shift->down || shift->up_ns + shift->down_ns < 0)
		return false;
	*ahead_ns = (shift->up_ns - shift->down_ns) / 2;
	*within_ns = (shift->up_ns + shift->down_ns) / 2;
	return true;
}
