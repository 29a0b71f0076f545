#include "judge.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "expect.h"

/* The bytes that a writer wrote; the caller frees them. */
struct written {
	char *text;
	size_t length;
};

static struct written as_json(const struct report *report)
{
	struct written written = { 0 };
	FILE *out = open_memstream(&written.text, &written.length);
	expect(out != NULL && report_json(report, out) && fclose(out) == 0);
	return written;
}

static struct written as_text(const struct report *report, int verbosity)
{
	struct written written = { 0 };
	struct text_style style = { .color = false, .verbosity = verbosity };
	FILE *out = open_memstream(&written.text, &written.length);
	expect(out != NULL && report_text(report, &style, out) && fclose(out) == 0);
	return written;
}

/* ISO 6429's C0 and C1 controls and DEL: nothing that moves a terminal's cursor. */
static void judge_bytes(const struct written *written)
{
	const unsigned char *text = (const unsigned char *)written->text;
	for (size_t i = 0; i < written->length; i++) {
		expect(text[i] == '\n' || (text[i] >= ' ' && text[i] != 0x7f));
		expect(text[i] != 0xc2 || i + 1 == written->length || text[i + 1] >= 0xa0);
	}
	expect(written->length > 0 && text[written->length - 1] == '\n');
	/* jansson takes no string that is not UTF-8 */
	json_t *string = json_stringn(written->text, written->length);
	expect(string != NULL);
	json_decref(string);
}

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	expect(json_is_number(value));
	return json_number_value(value);
}

static void judge_causes(const json_t *root, const char *first, bool blames)
{
	const json_t *causes = json_object_get(root, "causes"), *row;
	size_t index;
	double sum = 0, last = 1;
	bool named = false;
	expect(json_is_array(causes) && json_array_size(causes) > 0);
	json_array_foreach(causes, index, row)
	{
		double probability = number(row, "probability");
		expect(probability >= 0 && probability <= last + 1e-6);
		last = probability;
		sum += probability;
		named |= strcmp(json_string_value(json_object_get(row, "cause")), first) == 0;
	}
	/* those below 1 % are not listed */
	expect(sum <= 1 + 1e-4 && sum > 0.6);
	expect(named || !blames);
}

static void judge_verdict(const json_t *root)
{
	const json_t *verdict = json_object_get(root, "verdict");
	const json_t *sources = json_object_get(verdict, "sources");
	const char *outcome = json_string_value(json_object_get(verdict, "outcome"));
	const char *cause = json_string_value(json_object_get(verdict, "cause"));
	double confidence = number(verdict, "confidence");
	expect(json_is_array(sources) && outcome != NULL && cause != NULL);
	expect(confidence >= 0 && confidence <= 1 + 1e-6);
	size_t count = json_array_size(sources);
	bool fault = strcmp(outcome, "fault") == 0, ambiguous = strcmp(outcome, "ambiguous") == 0;
	bool quiet = strcmp(outcome, "healthy") == 0 || strcmp(outcome, "unknown") == 0;
	expect(fault || ambiguous || quiet);
	expect(fault ? count == 1 : ambiguous ? count > 1 : count == 0);
	for (size_t i = 0; i < count; i++) {
		json_int_t source = json_integer_value(json_array_get(sources, i));
		expect(source >= 1 && source <= 5);
		for (size_t n = 0; n < i; n++)
			expect(source != json_integer_value(json_array_get(sources, n)));
	}
	judge_causes(root, cause, !quiet);
}

static void judge_json(const struct written *written)
{
	expect(memchr(written->text, '\n', written->length) == written->text + written->length - 1);
	json_t *root = json_loadb(written->text, written->length, JSON_REJECT_DUPLICATES, NULL);
	expect(root != NULL);
	const char *schema = json_string_value(json_object_get(root, "schema"));
	expect(schema != NULL && strcmp(schema, "sshwhy.report/1") == 0);
	judge_verdict(root);
	json_decref(root);
}

void judge(const struct report *report, size_t frames)
{
	for (size_t i = 0; i < report->evidence_count; i++)
		for (size_t n = 0; n < report->evidence[i].packet_count; n++)
			expect(report->evidence[i].packets[n] >= 1 &&
			       report->evidence[i].packets[n] <= frames);
	if (report->outcome == OUTCOME_FAULT || report->outcome == OUTCOME_AMBIGUOUS)
		expect(cause_source(report->cause) == report->sources[0]);
	expect(isfinite(report->duration_seconds));
	int code = report_exit_code(report);
	expect(code >= 0 && code <= 3);
	struct written written = as_json(report);
	judge_bytes(&written);
	judge_json(&written);
	free(written.text);
	/* one a report, each as often: which of them is no matter of the report's */
	int verbosity = (int)(report->evidence_count + report->attempts + frames) % 3 - 1;
	written = as_text(report, verbosity);
	judge_bytes(&written);
	free(written.text);
}
