/* One report of what several captures show of one conversation, or of what one shows and
 * another ought to. */
#include <stdio.h>
#include <string.h>

#include "joint/joining.h"

static void stand_at_client(struct dossier *dossier, const char *other)
{
	size_t used = strlen(dossier->place_text);
	dossier->place = WORD_PLACE_CLIENT;
	dossier->vantage = VANTAGE_CLIENT;
	snprintf(dossier->place_text + used, sizeof(dossier->place_text) - used,
		 "; %s is the other end", other);
}

static void give_report(struct joining *j, struct report *report)
{
	const char *names[JOINT_CAPTURES_MAX];
	unsigned count = 0;
	report->attempts = j->base->dossier.conversation.attempts;
	report->capture = j->joint->captures[j->base->capture].name;
	for (unsigned i = 0; i < j->member_count; i++)
		names[count++] = j->joint->captures[j->members[i]->capture].name;
	if (j->far == NULL)
		names[count++] = j->other->name;
	report->captures = names;
	report->capture_count = count;
	report->clock = j->clock.capture != NULL ? &j->clock : NULL;
	j->joint->settled(j->joint->context, report);
}

/* As dossier_report(), with what the other capture adds. False: it adds nothing. */
static bool report_with(struct joining *j)
{
	struct dossier dossier = j->base->dossier;
	bool adds = false, tells = false;
	if (j->base == j->near && may_be_client_end(j->joint, j->near) &&
	    !is_client_end(j->joint, j->near) &&
	    (j->far == NULL || is_server_end(j->joint, j->far)))
		stand_at_client(&dossier, j->other->name);
	for (j->first = 0; !tells && j->first < dossier.attempt_count; j->first++) {
		struct run run;
		struct track track;
		struct report report;
		dossier_run(&dossier, &run);
		j->run = &run;
		j->end = dossier_track(&dossier, j->first, j->joint->payload, &track, &run);
		observe(&track, dossier.now_ns, &run.arena, &j->facts);
		if (j->far != NULL)
			compare_ends(j);
		else
			adds = find_absence(j);
		report_build_facts(&report, &track, &j->facts, &j->joint->report, &run.arena);
		tells = report.outcome != OUTCOME_UNKNOWN;
		adds |= j->far != NULL;
		if (adds && (tells || j->first + 1 == dossier.attempt_count))
			give_report(j, &report);
		run_free(&run);
	}
	return adds;
}

const struct entry *report_joined(struct joint *joint, struct entry *const *members, unsigned count)
{
	struct entry *near = members[0], *far = members[count - 1];
	bool from_far = !may_be_client_end(joint, near) && is_server_end(joint, far);
	struct joining joining = { .joint = joint,
				   .near = near,
				   .far = far,
				   .base = from_far ? far : near,
				   .members = members,
				   .member_count = count,
				   .capture = &joint->captures[near->capture],
				   .other = &joint->captures[far->capture] };
	(void)report_with(&joining);
	return joining.base;
}

bool report_absent(struct joint *joint, struct entry *entry, unsigned capture)
{
	struct joining joining = { .joint = joint,
				   .near = entry,
				   .base = entry,
				   .members = &entry,
				   .member_count = 1,
				   .capture = &joint->captures[entry->capture],
				   .other = &joint->captures[capture] };
	if (!joining.other->read || !may_be_client_end(joint, entry) ||
	    !ought_to_show(joint, entry, capture))
		return false;
	return report_with(&joining);
}
