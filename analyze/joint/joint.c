/* What is kept of each capture, and how much of it there is room for. */
#include <stdlib.h>
#include <string.h>

#include "joint/state.h"

#define BLOCKS 16384 /* of 256 bytes: 4 MiB */

/* Of each direction of an attempt: identification, algorithms and the key exchange. What
 * is encrypted tells by its length. */
#define WORDS_KEPT 6144

/* -- what is kept --------------------------------------------------------------------- */

static uint32_t length_of(const struct dossier *dossier)
{
	uint32_t length = 0;
	for (unsigned n = 0; n < dossier->attempt_count; n++)
		length += dossier->attempts[n].recording.length;
	return length;
}

static void let_go(struct joint *joint, struct entry *entry)
{
	for (unsigned n = 0; n < entry->dossier.attempt_count; n++)
		recording_free(&joint->pool, &entry->dossier.attempts[n].recording);
	entry->used = false;
}

/* Whatever is reported carries the name of its capture. */
struct naming {
	const struct joint *joint;
	const char *capture;
};

static void report_named(void *context, const struct report *report)
{
	const struct naming *naming = context;
	struct report named = *report;
	named.capture = naming->capture;
	naming->joint->settled(naming->joint->context, &named);
}

static void report_alone(struct joint *joint, const struct dossier *dossier, unsigned capture)
{
	struct naming naming = { joint, joint->captures[capture].name };
	dossier_report(dossier, &joint->report, joint->payload, report_named, &naming);
}

/* A flood has no end of single SYNs, and one alone proves nothing. */
static bool is_lone(const struct dossier *dossier)
{
	return dossier->attempt_count == 1 && dossier->attempts[0].packets <= 1;
}

/* Whether `a` is to make room rather than `b`: what is lone, then the longest, which came
 * farthest and leaves most room. */
static bool goes_before(const struct dossier *a, const struct dossier *b)
{
	if (is_lone(a) != is_lone(b))
		return is_lone(a);
	return length_of(a) > length_of(b);
}

static struct entry *least_entry(struct joint *joint)
{
	struct entry *least = NULL;
	for (uint32_t i = 0; i < joint->entry_count; i++)
		if (joint->entries[i].used &&
		    (least == NULL || goes_before(&joint->entries[i].dossier, &least->dossier)))
			least = &joint->entries[i];
	return least;
}

static bool free_entry(struct joint *joint, struct entry **entry)
{
	uint32_t i = 0;
	while (i < joint->entry_count && joint->entries[i].used)
		i++;
	if (i == joint->entry_room)
		return false;
	if (i == joint->entry_count)
		joint->entry_count++;
	*entry = &joint->entries[i];
	return true;
}

static bool copy_attempt(struct joint *joint, const struct dossier *from, struct attempt *attempt)
{
	struct replay replay = recording_replay(from->pool, &attempt->recording, joint->payload);
	struct packet packet;
	bool from_client, fits = true;
	uint32_t words[2] = { WORDS_KEPT, WORDS_KEPT };
	attempt->recording = (struct recording){ 0 };
	while (fits && replay_next(&replay, &packet, &from_client)) {
		uint32_t captured = packet.payload_captured < words[from_client]
					    ? packet.payload_captured
					    : words[from_client];
		words[from_client] -= captured;
		fits = recording_keep(&joint->pool, &attempt->recording, &packet, from_client,
				      captured);
	}
	return fits;
}

static bool copy_dossier(struct joint *joint, struct entry *entry, const struct dossier *dossier)
{
	bool fits = true;
	*entry = (struct entry){ .used = true,
				 .capture = joint->capture_count - 1,
				 .dossier = *dossier };
	entry->dossier.pool = &joint->pool;
	for (unsigned n = 0; n < dossier->attempt_count; n++) {
		if (fits)
			fits = copy_attempt(joint, dossier, &entry->dossier.attempts[n]);
		else
			entry->dossier.attempts[n].recording = (struct recording){ 0 };
	}
	if (!fits)
		let_go(joint, entry);
	return fits;
}

static void note_capture(struct joint_capture *capture, const struct dossier *dossier)
{
	const struct conversation *c = &dossier->conversation;
	capture->lost = dossier->lost;
	capture->both_ways |= c->client_ttl != 0 && c->server_ttl != 0;
	capture->from_outside |= dossier->vantage == VANTAGE_VM && c->client_ttl != 0;
}

static bool keep_dossier(void *context, const struct dossier *dossier)
{
	struct joint *joint = context;
	struct joint_capture *capture = &joint->captures[joint->capture_count - 1];
	note_capture(capture, dossier);
	for (;;) {
		struct entry *entry;
		if (free_entry(joint, &entry) && copy_dossier(joint, entry, dossier))
			return true;
		entry = least_entry(joint);
		joint->given_away++;
		if (entry == NULL || !goes_before(&entry->dossier, dossier)) {
			capture->given_away = true;
			return false;
		}
		joint->captures[entry->capture].given_away = true;
		report_alone(joint, &entry->dossier, entry->capture);
		let_go(joint, entry);
	}
}

static void see_syn(void *context, const struct packet *syn)
{
	sightings_add(context, syn);
}

/* -- coming and going ------------------------------------------------------------------- */

struct joint *joint_new(const struct traffic_options *options, traffic_settled *settled,
			void *context)
{
	struct joint *joint = calloc(1, sizeof(*joint));
	if (joint == NULL)
		return NULL;
	joint->report = options->report;
	joint->settled = settled;
	joint->context = context;
	joint->heir =
		(struct traffic_heir){ .context = joint, .keep = keep_dossier, .syn = see_syn };
	/* Untouched memory costs nothing: all is used from the front. */
	joint->entry_room = JOINT_ENTRIES_MAX >> options->smaller;
	joint->sighting_room = SIGHTINGS_MAX >> options->smaller;
	joint->entries = malloc(joint->entry_room * sizeof(*joint->entries));
	joint->sightings = malloc(joint->sighting_room * sizeof(*joint->sightings));
	joint->payload = malloc(KEPT_PAYLOAD_MAX);
	joint->reading = reading_new(joint->payload);
	if (!pool_start(&joint->pool, BLOCKS >> options->smaller) || joint->entries == NULL ||
	    joint->sightings == NULL || joint->payload == NULL || joint->reading == NULL) {
		joint_free(joint);
		return NULL;
	}
	return joint;
}

void joint_free(struct joint *joint)
{
	if (joint == NULL)
		return;
	pool_end(&joint->pool);
	free(joint->entries);
	free(joint->sightings);
	free(joint->payload);
	reading_free(joint->reading);
	free(joint);
}

const struct traffic_heir *joint_begin(struct joint *joint, const char *name,
				       const struct traffic_options *options)
{
	joint->captures[joint->capture_count++] = (struct joint_capture){
		.name = name,
		.vantage_given = options->vantage_given,
		.vantage = options->vantage,
		.syn_first = joint->sighting_count,
	};
	return &joint->heir;
}

void joint_capture(struct joint *joint, const struct traffic_tally *tally)
{
	struct joint_capture *capture = &joint->captures[joint->capture_count - 1];
	capture->read = true;
	capture->frames = tally->frames;
	capture->first_ns = tally->first_ns;
	capture->last_ns = tally->last_ns;
	sightings_sort(joint, capture);
	for (uint32_t i = 0; i < capture->syn_count; i++) {
		uint8_t ttl = joint->sightings[capture->syn_first + i].ttl;
		capture->from_outside |= ttl != 64 && ttl != 128 && ttl != 255;
	}
}

uint64_t joint_given_away(const struct joint *joint)
{
	return joint->given_away;
}

/* -- the end ------------------------------------------------------------------------------ */

/* Whether the capture of `a` was made nearer to the client of this connection than that of `b`:
 * fewer routers have lessened the TTL of its SYN. */
static bool comes_before(const struct entry *a, unsigned x, const struct entry *b, unsigned y)
{
	const struct marks *p = &a->marks[x], *q = &b->marks[y];
	if (p->ttl != q->ttl)
		return p->ttl > q->ttl;
	/* no router between them: who waits longer for the answer is farther from the server */
	return p->answer && q->answer && p->answer_ns - p->syn_ns > q->answer_ns - q->syn_ns;
}

/* The entries of all captures that show connection `thread`, from the client's side on. */
static unsigned find_members(struct joint *joint, uint32_t thread,
			     struct entry *members[JOINT_CAPTURES_MAX])
{
	unsigned count = 0;
	for (uint32_t i = 0; i < joint->entry_count && count < JOINT_CAPTURES_MAX; i++) {
		struct entry *entry = &joint->entries[i];
		unsigned attempt = entry->used ? attempt_of(entry, thread) : ATTEMPTS_KEPT;
		if (attempt == ATTEMPTS_KEPT)
			continue;
		unsigned at = count++;
		for (; at > 0; at--) {
			struct entry *before = members[at - 1];
			if (!comes_before(entry, attempt, before, attempt_of(before, thread)))
				break;
			members[at] = before;
		}
		members[at] = entry;
	}
	return count;
}

/* The newest that another capture shows too and no report has spoken of. */
static uint32_t newest_thread(const struct entry *entry)
{
	for (unsigned n = 0; n < entry->dossier.attempt_count; n++)
		if (entry->thread[n] != NO_THREAD && !entry->told[n])
			return entry->thread[n];
	return NO_THREAD;
}

static void mark_told(struct entry *const *members, unsigned count, const struct entry *base)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned n = 0; n < members[i]->dossier.attempt_count; n++)
			members[i]->told[n] |=
				members[i] == base ||
				attempt_of(base, members[i]->thread[n]) != ATTEMPTS_KEPT;
}

/* The attempts that no report has spoken of. */
static void report_rest(struct joint *joint, struct entry *entry)
{
	struct dossier rest = entry->dossier;
	rest.attempt_count = 0;
	for (unsigned n = 0; n < entry->dossier.attempt_count; n++)
		if (!entry->told[n])
			rest.attempts[rest.attempt_count++] = entry->dossier.attempts[n];
	if (rest.attempt_count == 0)
		return;
	rest.conversation.attempts -= entry->dossier.attempt_count - rest.attempt_count;
	report_alone(joint, &rest, entry->capture);
}

static void report_all_of(struct joint *joint, struct entry *entry)
{
	struct entry *members[JOINT_CAPTURES_MAX];
	uint32_t thread;
	while ((thread = newest_thread(entry)) != NO_THREAD) {
		unsigned count = find_members(joint, thread, members);
		if (count < 2)
			break;
		mark_told(members, count, report_joined(joint, members, count));
	}
	bool any = false;
	for (unsigned n = 0; n < entry->dossier.attempt_count; n++)
		any |= entry->told[n];
	for (unsigned c = 0; !any && c < joint->capture_count; c++)
		if (c != entry->capture && report_absent(joint, entry, c))
			return;
	report_rest(joint, entry);
}

static int by_time(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	int64_t p = x->dossier.conversation.first_ns, q = y->dossier.conversation.first_ns;
	if (x->capture != y->capture)
		return x->capture < y->capture ? -1 : 1;
	return (p > q) - (p < q);
}

void joint_end(struct joint *joint)
{
	struct entry *order[JOINT_ENTRIES_MAX];
	uint32_t count = 0;
	match(joint);
	for (uint32_t i = 0; i < joint->entry_count; i++)
		if (joint->entries[i].used)
			order[count++] = &joint->entries[i];
	qsort(order, count, sizeof(*order), by_time);
	for (uint32_t i = 0; i < count; i++)
		report_all_of(joint, order[i]);
}
