#include "user/ssh_config.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/lines.h"
#include "user/pattern.h"

#define FILES_MAX 64
#define DEPTH_MAX 16 /* OpenSSH's READCONF_MAX_DEPTH */

/* Whether the lines that follow apply. */
enum applies { APPLIES_NOT, APPLIES_MAYBE, APPLIES };

struct file {
	struct config_reader *reader;
	const char *path, *folder;
	unsigned depth;
	enum applies outer, applies;
};

/* -- words ------------------------------------------------------------------------ */

/* The next argument of `*at`, unquoted, in `word`; false at the end. A long one is cut. */
static bool next_word(const char **at, char *word, size_t room)
{
	size_t used = 0;
	*at += strspn(*at, " \t");
	if (**at == '\0' || **at == '#')
		return false;
	char quote = '\0';
	for (; **at != '\0'; ++*at) {
		char c = **at;
		if (quote == '\0' && (c == ' ' || c == '\t'))
			break;
		if (quote != '\0' ? c == quote : (c == '"' || c == '\''))
			quote = quote != '\0' ? '\0' : c;
		else if (used + 1 < room)
			word[used++] = c;
	}
	word[used] = '\0';
	return true;
}

/* "Keyword value", "Keyword=value", "Keyword = value": leaves `*at` at the value. */
static bool next_keyword(const char **at, char *word, size_t room)
{
	*at += strspn(*at, " \t\f");
	size_t length = strcspn(*at, " \t=");
	if (length == 0 || **at == '#' || length >= room)
		return false;
	for (size_t i = 0; i < length; i++)
		word[i] = (char)tolower((unsigned char)(*at)[i]);
	word[length] = '\0';
	*at += length;
	*at += strspn(*at, " \t");
	*at += **at == '=';
	*at += strspn(*at, " \t");
	return true;
}

/* -- settings --------------------------------------------------------------------- */

const char *const config_keywords[CONFIG_KEYWORD_COUNT] = {
#define CONFIG_KEYWORD(id, name) [CONFIG_##id] = name,
	CONFIG_KEYWORDS
#undef CONFIG_KEYWORD
};

static void set_value(struct file *file, enum config_keyword keyword, const char *value,
		      const char *line, unsigned number)
{
	struct config_setting *setting = &file->reader->config->setting[keyword];
	bool certain = file->applies == APPLIES;
	if (setting->set && (setting->certain || !certain))
		return;
	setting->set = true;
	setting->certain = certain;
	setting->line = number;
	snprintf(setting->value, sizeof(setting->value), "%s", value);
	snprintf(setting->file, sizeof(setting->file), "%s", file->path);
	snprintf(setting->text, sizeof(setting->text), "%s", line + strspn(line, " \t"));
}

static void set_keyword(struct file *file, const char *keyword, const char *at, const char *line,
			unsigned number)
{
	char value[512];
	for (int k = 0; k < CONFIG_KEYWORD_COUNT; k++)
		if (strcmp(keyword, config_keywords[k]) == 0 &&
		    next_word(&at, value, sizeof(value)))
			set_value(file, (enum config_keyword)k, value, line, number);
}

/* -- Host, Match ------------------------------------------------------------------ */

static enum applies host_applies(const struct file *file, const char *at)
{
	char pattern[512];
	enum applies applies = APPLIES_NOT;
	while (next_word(&at, pattern, sizeof(pattern))) {
		bool negated = pattern[0] == '!';
		if (!pattern_match(file->reader->host, pattern + negated,
				   strlen(pattern + negated)))
			continue;
		if (negated)
			return APPLIES_NOT;
		applies = APPLIES;
	}
	return applies;
}

/* What a criterion is held against; NULL: that is not known. */
static const char *subject_of(const struct file *file, const char *criterion)
{
	const struct config_reader *reader = file->reader;
	const struct config_setting *name = &reader->config->setting[CONFIG_HOST_NAME];
	const struct config_setting *user = &reader->config->setting[CONFIG_USER];
	if (strcmp(criterion, "originalhost") == 0)
		return reader->host;
	if (strcmp(criterion, "host") == 0) {
		bool renamed = name->set && strchr(name->value, '%') == NULL;
		return !name->set ? reader->host : renamed && name->certain ? name->value : NULL;
	}
	if (strcmp(criterion, "localuser") == 0)
		return reader->local_user;
	if (strcmp(criterion, "user") == 0)
		return reader->user != NULL	    ? reader->user
		       : user->set && user->certain ? user->value
		       : user->set		    ? NULL
						    : reader->local_user;
	return NULL;
}

static enum applies applies_both(enum applies a, enum applies b)
{
	return a < b ? a : b;
}

static enum applies match_applies(const struct file *file, const char *at)
{
	char criterion[64], list[512];
	enum applies applies = APPLIES;
	while (next_word(&at, criterion, sizeof(criterion))) {
		char *equals = strchr(criterion, '=');
		bool negated = criterion[0] == '!';
		const char *name = criterion + negated;
		for (char *c = criterion; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		if (strcmp(name, "all") == 0) {
			applies = applies_both(applies, negated ? APPLIES_NOT : APPLIES);
			continue;
		}
		if (strcmp(name, "canonical") == 0 || strcmp(name, "final") == 0) {
			applies = applies_both(applies, APPLIES_MAYBE); /* a second pass, perhaps */
			continue;
		}
		if (equals != NULL)
			return applies_both(applies, APPLIES_MAYBE);
		if (!next_word(&at, list, sizeof(list)))
			return APPLIES_MAYBE; /* ssh refuses the whole file */
		const char *subject = subject_of(file, name);
		bool matches =
			subject != NULL && pattern_list(subject, list, strlen(list), ",") > 0;
		applies = applies_both(applies, subject == NULL	     ? APPLIES_MAYBE
						: matches != negated ? APPLIES
								     : APPLIES_NOT);
	}
	return applies;
}

/* -- files ------------------------------------------------------------------------ */

static bool read_file(struct file *file);

static void include_one(const struct file *from, const char *path)
{
	struct file file = *from;
	file.path = path;
	file.depth = from->depth + 1;
	file.outer = file.applies = from->applies;
	if (file.depth <= DEPTH_MAX)
		(void)read_file(&file);
}

static void include_files(const struct file *from, const char *at)
{
	char name[512], path[1024];
	while (next_word(&at, name, sizeof(name))) {
		glob_t found;
		if (name[0] == '~' && name[1] == '/')
			snprintf(path, sizeof(path), "%s%s", from->reader->home, name + 1);
		else
			snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : from->folder,
				 name[0] == '/' ? "" : "/", name);
		if (glob(path, 0, NULL, &found) != 0)
			continue;
		for (size_t i = 0; i < found.gl_pathc && i < FILES_MAX; i++)
			include_one(from, found.gl_pathv[i]);
		globfree(&found);
	}
}

static void take_line(struct file *file, const char *line, unsigned number)
{
	char keyword[64];
	const char *at = line;
	if (!next_keyword(&at, keyword, sizeof(keyword)))
		return;
	if (strcmp(keyword, "host") == 0)
		file->applies = applies_both(file->outer, host_applies(file, at));
	else if (strcmp(keyword, "match") == 0)
		file->applies = applies_both(file->outer, match_applies(file, at));
	else if (file->applies == APPLIES_NOT)
		return;
	else if (strcmp(keyword, "include") == 0)
		include_files(file, at);
	else
		set_keyword(file, keyword, at, line, number);
}

static bool read_file(struct file *file)
{
	struct lines *lines = malloc(sizeof(*lines)); /* Includes nest: too much for a stack */
	char *line;
	bool opened =
		lines != NULL && file->reader->files++ < FILES_MAX && lines_open(lines, file->path);
	while (opened && (line = lines_next(lines)) != NULL)
		take_line(file, line, lines->number);
	if (opened)
		lines_close(lines);
	free(lines);
	return opened;
}

bool config_read(struct config_reader *reader, const char *path, const char *folder)
{
	struct file file = { .reader = reader,
			     .path = path,
			     .folder = folder,
			     .outer = APPLIES,
			     .applies = APPLIES };
	return read_file(&file);
}

void config_describe(const struct config_setting *setting, char *text, size_t room)
{
	snprintf(text, room, "%s:%u: %s", setting->file, setting->line, setting->text);
}
