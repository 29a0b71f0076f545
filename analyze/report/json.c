/* report_json: the report (report.h), key by key in the order that scripts know. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "sshwhy/report.h"

/* Significant digits of every number with a fraction: probabilities keep at least
 * three whatever their size, times their milliseconds up to a quarter of an hour. */
#define DIGITS 6

/* The functions below return NULL only when memory is short; json_pack() then
 * returns NULL in turn, so that one test at the end suffices. */

static json_t *text(const char *raw)
{
	char safe[ESCAPE_TEXT];

	return raw != NULL ? json_string(escape_text(raw, safe, sizeof safe)) : json_null();
}

static json_t *command(const char *raw)
{
	char safe[ESCAPE_TEXT];

	return raw != NULL ? json_string(escape_command(raw, safe, sizeof safe)) : json_null();
}

static json_t *number(double value)
{
	return isfinite(value) && value >= 0 ? json_real(value) : json_null();
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *port_number(uint16_t port)
{
	return port != 0 ? integer(port) : json_null();
}

static json_t *started(int64_t ns)
{
	char stamp[64];
	struct tm tm;
	int64_t seconds = ns / 1000000000;
	int64_t rest = ns % 1000000000;

	if (ns == 0)
		return json_null();
	if (rest < 0) {
		rest += 1000000000;
		seconds--;
	}
	time_t when = (time_t)seconds;
	if (gmtime_r(&when, &tm) == NULL)
		return json_null();
	size_t length = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(stamp + length, sizeof stamp - length, ".%06dZ", (int)(rest / 1000));
	return json_string(stamp);
}

/* -- arrays: item(list, index) makes each element --------------------------------- */

static json_t *array(size_t count, const void *list, json_t *(*item)(const void *list, size_t i))
{
	json_t *result = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(result, item(list, i)) != 0) {
			json_decref(result);
			return NULL;
		}
	}
	return result;
}

static json_t *source_item(const void *list, size_t i)
{
	return integer(((const uint8_t *)list)[i]);
}

static json_t *packet_item(const void *list, size_t i)
{
	return integer(((const uint64_t *)list)[i]);
}

static json_t *name_item(const void *list, size_t i)
{
	return json_string(cause_name(((const enum cause *)list)[i]));
}

static json_t *text_item(const void *list, size_t i)
{
	return text(((const char *const *)list)[i]);
}

static json_t *cause_item(const void *list, size_t i)
{
	const struct report_cause *row = (const struct report_cause *)list + i;

	return json_pack("{s:o,s:o,s:o}", "cause", json_string(cause_name(row->cause)), "source",
			 integer(cause_source(row->cause)), "probability",
			 number(row->probability));
}

static json_t *evidence_item(const void *list, size_t i)
{
	const struct report_evidence *row = (const struct report_evidence *)list + i;

	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "fact", text(row->fact), "text", text(row->text),
			 "packets", array(row->packet_count, row->packets, packet_item), "for",
			 array(row->for_count, row->for_causes, name_item), "against",
			 array(row->against_count, row->against_causes, name_item));
}

static json_t *hop_item(const void *list, size_t i)
{
	const struct report_hop *hop = (const struct report_hop *)list + i;

	json_t *item = json_pack("{s:o,s:o,s:o,s:o}", "ttl", integer(hop->ttl), "address",
				 text(hop->address), "rtt_ms", number(hop->rtt_ms), "reply",
				 text(hop->reply));
	if (hop->name != NULL)
		json_object_set_new(item, "name", text(hop->name));
	return item;
}

static json_t *path_item(const void *list, size_t i)
{
	const struct report_path *path = (const struct report_path *)list + i;

	return json_pack("{s:o,s:o}", "port", port_number(path->port), "hops",
			 array(path->hop_count, path->hops, hop_item));
}

static json_t *next_item(const void *list, size_t i)
{
	const struct report_next *row = (const struct report_next *)list + i;

	return json_pack("{s:o,s:o,s:o}", "text", text(row->text), "command", command(row->command),
			 "separates", array(row->separates_count, row->separates, name_item));
}

static json_t *fix_item(const void *list, size_t i)
{
	const struct guide_fix *row = (const struct guide_fix *)list + i;

	return json_pack("{s:o,s:o,s:o,s:o}", "cause", json_string(cause_name(row->cause)), "text",
			 text(row->text), "shell", text(shell_name(row->shell)), "command",
			 command(row->command));
}

static json_t *also_item(const void *list, size_t i)
{
	const struct report_also *row = (const struct report_also *)list + i;

	return json_pack("{s:o,s:o,s:o}", "cause", json_string(cause_name(row->cause)), "source",
			 integer(cause_source(row->cause)), "text", text(row->text));
}

/* -- the report ------------------------------------------------------------------- */

static json_t *target(const struct report *report)
{
	json_t *target = json_pack("{s:o,s:o,s:o}", "host", text(report->host), "address",
				   text(report->address), "port", port_number(report->port));
	if (target != NULL && report->hostname != NULL)
		json_object_set_new(target, "hostname", text(report->hostname));
	if (target != NULL && report->via != NULL)
		json_object_set_new(target, "via", text(report->via));
	return target;
}

static json_t *verdict(const struct report *report)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "outcome",
			 json_string(outcome_name(report->outcome)), "cause",
			 json_string(cause_name(report->cause)), "sources",
			 array(report->source_count, report->sources, source_item), "confidence",
			 number(report->confidence), "summary", text(report->summary));
}

static json_t *ssh(const struct report *report)
{
	json_t *methods = report->auth_method_count > 0 ? array(report->auth_method_count,
								report->auth_methods, text_item)
							: json_null();

	return json_pack("{s:o,s:o,s:o,s:o}", "banner", text(report->banner), "host_key",
			 text(report->host_key), "kex", text(report->kex), "auth_methods", methods);
}

static json_t *whole(const struct report *report)
{
	json_t *root = json_pack(
		"{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
		"schema", "sshwhy.report/1", "version", SSHWHY_VERSION, "target", target(report),
		"vantage", text(report->vantage), "deployment", text(report->deployment),
		"interface", text(report->interface), "local_address", text(report->local_address),
		"started", started(report->started_ns), "duration_seconds",
		number(report->duration_seconds), "verdict", verdict(report), "causes",
		array(report->cause_count, report->causes, cause_item), "evidence",
		array(report->evidence_count, report->evidence, evidence_item), "path",
		array(report->path_count, report->paths, path_item), "ssh", ssh(report), "next",
		array(report->next_count, report->next, next_item), "fix",
		array(report->fix_count, report->fixes, fix_item), "also",
		array(report->also_count, report->also, also_item), "not_observed",
		array(report->not_observed_count, report->not_observed, text_item));

	if (root == NULL)
		return NULL;
	if (report->attempts != 0)
		json_object_set_new(root, "attempts", integer(report->attempts));
	if (report->capture != NULL)
		json_object_set_new(root, "capture", text(report->capture));
	if (report->capture_count > 0)
		json_object_set_new(root, "captures",
				    array(report->capture_count, report->captures, text_item));
	if (report->clock != NULL)
		json_object_set_new(root, "clock",
				    json_pack("{s:o,s:f,s:f}", "capture",
					      text(report->clock->capture), "ahead_seconds",
					      report->clock->ahead_seconds, "within_seconds",
					      report->clock->within_seconds));
	return root;
}

bool report_json(const struct report *report, FILE *out)
{
	json_t *root = whole(report);
	char *line = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER |
							     JSON_REAL_PRECISION(DIGITS))
				  : NULL;
	bool written = false;

	json_decref(root);
	if (line != NULL) {
		/* The newline takes the place of the NUL: one write, never half a record. */
		size_t length = strlen(line);
		line[length] = '\n';
		written = fwrite(line, length + 1, 1, out) == 1;
	}
	free(line);
	return written;
}
