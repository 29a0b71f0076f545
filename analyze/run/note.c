#include "run/note.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "run/1"

enum word_place { NOWHERE, TEXT, DETAIL, BEFORE_DETAIL };

static const enum word_place word_places[EVENTS] = {
#define EVENT(id, name, place) [EVENT_##id] = (place),
#include "sshwhy/events.def"
};

/* -- writing -------------------------------------------------------------------- */

static void put_text(json_t *object, const char *key, const char *text)
{
	/* Bytes from the network need not be UTF-8, which is all that JSON can hold: such
	 * a text is written as the array of its bytes. */
	if (text == NULL)
		return;
	json_t *value = json_string(text);
	if (value == NULL) {
		value = json_array();
		for (const char *at = text; *at != '\0'; at++)
			json_array_append_new(value, json_integer((unsigned char)*at));
	}
	json_object_set_new(object, key, value);
}

static void put_number(json_t *object, const char *key, int64_t number)
{
	if (number != 0)
		json_object_set_new(object, key, json_integer(number));
}

/* The one character that JSON_ENSURE_ASCII leaves as it is though it cannot be printed. It stands
 * only in strings. */
static const char *escape_deletes(const char *text, struct arena *arena)
{
	static const char escaped[] = "\\u007f";
	const size_t length = sizeof(escaped) - 1;
	size_t count = 0, used = 0;
	for (const char *at = text; *at != '\0'; at++)
		count += *at == '\177';
	if (count == 0)
		return arena_string(arena, text);
	char *copy = arena_alloc(arena, strlen(text) + count * length + 1);
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\177')
			memcpy(copy + used, escaped, length);
		else
			copy[used] = *at;
		used += *at == '\177' ? length : 1;
	}
	return copy;
}

static const char *finish(json_t *object, struct arena *arena)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
	const char *copy = escape_deletes(text, arena);
	free(text);
	json_decref(object);
	return copy;
}

const char *note_question(const struct run *run, struct arena *arena)
{
	char address[ADDRESS_TEXT], local[ADDRESS_TEXT];
	json_t *o = json_object();
	put_text(o, "sshwhy", FORMAT);
	put_text(o, "host", run->host);
	put_text(o, "hostname", run->hostname);
	put_text(o, "via", run->via);
	put_text(o, "user", run->user);
	if (run->address.family != 0)
		put_text(o, "address", address_text(&run->address, address));
	put_number(o, "port", run->port);
	put_number(o, "named", run->named);
	put_text(o, "vantage", vantage_names[run->vantage]);
	put_text(o, "deployment", deployment_names[run->deployment]);
	put_text(o, "path", path_kind_names[run->path]);
	put_text(o, "interface", run->interface);
	if (run->local_address.family != 0)
		put_text(o, "local", address_text(&run->local_address, local));
	put_number(o, "mtu", run->mtu);
	put_number(o, "started", run->started_ns);
	put_number(o, "stopped", run->stopped_ns);
	put_number(o, "interrupted", run->interrupted);
	return finish(o, arena);
}

/* The text and the detail with the word where the note has it. */
static void put_words(json_t *o, const struct event *event, struct arena *arena)
{
	const char *word = event_word_name(event->word);
	const char *text = event->text, *detail = event->detail;
	enum word_place place = event->word != WORD_NONE ? word_places[event->kind] : NOWHERE;
	if (place == TEXT)
		text = word;
	else if (place == BEFORE_DETAIL && detail[0] != '\0')
		detail = arena_format(arena, "%s: %s", word, detail);
	else if (place != NOWHERE)
		detail = word;
	put_text(o, "text", text);
	if (detail[0] != '\0')
		put_text(o, "detail", detail);
}

const char *note_event(const struct event *event, struct arena *arena)
{
	json_t *o = json_object();
	put_text(o, "event", event_name(event->kind));
	put_number(o, "time", event->time_ns);
	if (event->way != WAY_UNKNOWN)
		put_text(o, "way", way_names[event->way]);
	if (event->purpose != PURPOSE_NONE)
		put_text(o, "purpose", purpose_names[event->purpose]);
	put_number(o, "local_port", event->local_port);
	put_number(o, "remote_port", event->remote_port);
	put_number(o, "ttl", event->ttl);
	put_number(o, "error", event->error);
	put_number(o, "value", event->value);
	put_words(o, event, arena);
	return finish(o, arena);
}

const char *const *notes_write(const struct run *run, struct arena *arena, size_t *count)
{
	const char **notes = arena_alloc(arena, (run->event_count + 1) * sizeof(*notes));
	notes[0] = note_question(run, arena);
	for (size_t i = 0; i < run->event_count; i++)
		notes[i + 1] = note_event(&run->events[i], arena);
	*count = run->event_count + 1;
	return notes;
}

/* -- reading -------------------------------------------------------------------- */

static const char *get_text(const json_t *object, const char *key, struct arena *arena)
{
	const json_t *value = json_object_get(object, key);
	if (json_is_string(value))
		return arena_string(arena, json_string_value(value));
	if (!json_is_array(value))
		return NULL;
	char *text = arena_alloc(arena, json_array_size(value) + 1);
	for (size_t i = 0; i < json_array_size(value); i++)
		text[i] = (char)json_integer_value(json_array_get(value, i));
	return text;
}

/* A number within [low, high], else 0: a file may say anything. */
static int64_t get_number(const json_t *object, const char *key, int64_t low, int64_t high)
{
	int64_t number = json_integer_value(json_object_get(object, key));
	return number >= low && number <= high ? number : 0;
}

static int get_name(const json_t *object, const char *key, const char *const *names, int count)
{
	const char *text = json_string_value(json_object_get(object, key));
	for (int i = 0; text != NULL && i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return 0;
}

static struct address get_address(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? address_parse(text) : (struct address){ 0 };
}

/* The question has to say whom it is about, by name or by address. Nothing else must be there:
 * what is missing is unknown, and is 0 or NULL as struct run says. */
static bool read_question(struct run *run, const json_t *o)
{
	char text[ADDRESS_TEXT];
	struct address address = get_address(o, "address");
	const char *host = get_text(o, "host", &run->arena);
	if (host == NULL && address.family == 0)
		return false;
	run->planned = true;
	run->host = host != NULL ? host : arena_string(&run->arena, address_text(&address, text));
	run->hostname = get_text(o, "hostname", &run->arena);
	run->via = get_text(o, "via", &run->arena);
	run->user = get_text(o, "user", &run->arena);
	run->address = address;
	run->port = (uint16_t)get_number(o, "port", 0, UINT16_MAX);
	run->named = host != NULL && get_number(o, "named", 0, 1) != 0;
	run->vantage = (enum vantage)get_name(o, "vantage", vantage_names, VANTAGES);
	run->deployment = (enum deployment)get_name(o, "deployment", deployment_names, DEPLOYMENTS);
	run->path = (enum path_kind)get_name(o, "path", path_kind_names, PATH_KINDS);
	run->interface = get_text(o, "interface", &run->arena);
	run->local_address = get_address(o, "local");
	run->mtu = (uint32_t)get_number(o, "mtu", 0, UINT32_MAX);
	run->started_ns = get_number(o, "started", 0, INT64_MAX);
	run->stopped_ns = get_number(o, "stopped", 0, INT64_MAX);
	run->interrupted = get_number(o, "interrupted", 0, 1) != 0;
	return true;
}

/* Takes the word out of the text or the detail. One that is not known stays where it is: it is
 * of a newer version. */
static void take_word(struct event *event)
{
	enum word_place place = word_places[event->kind];
	const char **holder = place == TEXT ? &event->text : &event->detail;
	if (place == NOWHERE || *holder == NULL)
		return;
	const char *rest = place == BEFORE_DETAIL ? strstr(*holder, ": ") : NULL;
	size_t length = rest != NULL ? (size_t)(rest - *holder) : strlen(*holder);
	event->word = event_word_by_name(event->kind, *holder, length);
	if (event->word != WORD_NONE)
		*holder = rest != NULL ? rest + 2 : NULL;
}

static bool read_event(struct run *run, const json_t *o, const char *name)
{
	enum event_kind kind;
	if (!event_by_name(name, &kind))
		return true; /* from a newer version: skipped */
	struct event event = {
		.kind = kind,
		.time_ns = get_number(o, "time", 0, INT64_MAX),
		.way = (enum way)get_name(o, "way", way_names, WAYS),
		.purpose = (enum purpose)get_name(o, "purpose", purpose_names, PURPOSES),
		.local_port = (uint16_t)get_number(o, "local_port", 0, UINT16_MAX),
		.remote_port = (uint16_t)get_number(o, "remote_port", 0, UINT16_MAX),
		.ttl = (uint8_t)get_number(o, "ttl", 0, UINT8_MAX),
		.error = (int32_t)get_number(o, "error", INT32_MIN, INT32_MAX),
		.value = get_number(o, "value", INT64_MIN, INT64_MAX),
		.text = get_text(o, "text", &run->arena),
		.detail = get_text(o, "detail", &run->arena),
	};
	take_word(&event);
	run_event(run, &event);
	return true;
}

bool note_read(struct run *run, const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	const char *format = json_string_value(json_object_get(o, "sshwhy"));
	const char *event = json_string_value(json_object_get(o, "event"));
	bool ours = false;
	if (format != NULL && strcmp(format, FORMAT) == 0)
		ours = read_question(run, o);
	else if (event != NULL && run->planned)
		ours = read_event(run, o, event);
	json_decref(o);
	return ours;
}
