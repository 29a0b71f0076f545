/* The SYNs that each capture shows: what is not among them never came there. */
#include <stdlib.h>

#include "joint/state.h"

void sightings_add(struct joint *joint, const struct packet *syn)
{
	struct joint_capture *capture = &joint->captures[joint->capture_count - 1];
	if (joint->sighting_count == joint->sighting_room) {
		capture->syns_missing = true;
		return;
	}
	capture->syn_count++;
	joint->sightings[joint->sighting_count++] = (struct sighting){
		.time_ns = syn->time_ns,
		.sequence = syn->sequence,
		.timestamp = syn->timestamp_value,
		.window = syn->window,
		.port = syn->destination_port,
		.ttl = syn->ttl,
		.stamped = syn->has_timestamp,
	};
}

static int by_sequence(const void *a, const void *b)
{
	const struct sighting *x = a, *y = b;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

void sightings_sort(struct joint *joint, const struct joint_capture *capture)
{
	qsort(&joint->sightings[capture->syn_first], capture->syn_count, sizeof(*joint->sightings),
	      by_sequence);
}

const struct sighting *sightings_find(const struct joint *joint,
				      const struct joint_capture *capture, uint32_t sequence)
{
	const struct sighting *row = &joint->sightings[capture->syn_first];
	uint32_t low = 0, high = capture->syn_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (row[middle].sequence < sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low < capture->syn_count && row[low].sequence == sequence ? &row[low] : NULL;
}

/* Who changes sequence numbers leaves the window, and the clock of the sender, as they are. */
bool sightings_resemble(const struct joint *joint, const struct joint_capture *capture,
			const struct marks *marks, int64_t around_ns, int64_t within_ns)
{
	const struct sighting *row = &joint->sightings[capture->syn_first];
	for (uint32_t i = 0; i < capture->syn_count; i++) {
		int64_t apart = row[i].time_ns - around_ns;
		if (row[i].sequence == marks->client_isn || row[i].window != marks->window ||
		    apart > within_ns || apart < -within_ns)
			continue;
		if (!row[i].stamped || !marks->stamped || row[i].timestamp == marks->timestamp)
			return true;
	}
	return false;
}
