#include "user/modes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 512

struct looking {
	const struct settings *settings;
	const struct person *person;
	struct modes *modes;
	char folder[320];
};

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);
	return a >= b && strcmp(text + a - b, end) == 0;
}

static void add_finding(struct modes *modes, const struct mode_finding *finding)
{
	size_t at;
	if (modes->count < MODES_MAX)
		at = modes->count++;
	else if (modes->finding[MODES_MAX - 1].severity < finding->severity)
		at = MODES_MAX - 1;
	else
		return;
	for (; at > 0 && modes->finding[at - 1].severity < finding->severity; at--)
		modes->finding[at] = modes->finding[at - 1];
	modes->finding[at] = *finding;
}

/* `path` against the mode it should have: whatever more is allowed than that. */
static bool compare_mode(const struct looking *looking, const char *path, unsigned wanted,
			 struct mode_finding *finding)
{
	struct stat status;
	memset(finding, 0, sizeof(*finding));
	if (stat(path, &status) != 0)
		return false;
	snprintf(finding->path, sizeof(finding->path), "%s", path);
	finding->mode = status.st_mode & 07777;
	finding->wanted = wanted;
	finding->foreign = status.st_uid != looking->person->uid;
	finding->unreadable = access(path, R_OK) != 0;
	return finding->foreign || finding->unreadable || (finding->mode & ~wanted & 0777) != 0;
}

static bool is_private_key(const char *path)
{
	char start[64] = "";
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool plain = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	ssize_t length = plain ? read(fd, start, sizeof(start) - 1) : 0;
	if (fd >= 0)
		close(fd);
	start[length > 0 ? length : 0] = '\0';
	start[strcspn(start, "\n")] = '\0';
	return strncmp(start, "-----BEGIN ", 11) == 0 && strstr(start, "PRIVATE KEY-----") != NULL;
}

/* sshkey_perm_ok() of OpenSSH's authfile.c: a key of one's own that others may so much as
 * read is ignored; somebody else's is taken, when it can be read. */
static bool key_is_refused(const struct mode_finding *finding)
{
	return finding->unreadable || (!finding->foreign && (finding->mode & 077) != 0);
}

static void look_at_key(const struct looking *looking, const char *path, bool tried)
{
	struct mode_finding finding;
	bool odd = compare_mode(looking, path, 0600, &finding);
	if (finding.path[0] == '\0')
		return;
	finding.key = true;
	if (tried)
		*(key_is_refused(&finding) ? &looking->modes->refused_keys
					   : &looking->modes->usable_keys) += 1;
	finding.severity = !key_is_refused(&finding) ? MODE_DIFFERS
			   : tried		     ? MODE_REFUSED
						     : MODE_UNUSED;
	if (odd)
		add_finding(looking->modes, &finding);
}

static void look_at(const struct looking *looking, const char *path, unsigned wanted)
{
	struct mode_finding finding;
	if (compare_mode(looking, path, wanted, &finding))
		add_finding(looking->modes, &finding);
}

/* Without a way into the folder no key in it is tried. */
static void look_at_folder(const struct looking *looking)
{
	struct mode_finding finding;
	bool odd = compare_mode(looking, looking->folder, 0700, &finding);
	if (finding.path[0] != '\0' && access(looking->folder, X_OK) != 0) {
		finding.key = true;
		finding.unreadable = true;
		finding.severity = MODE_REFUSED;
		looking->modes->refused_keys++;
	}
	if (odd || finding.unreadable)
		add_finding(looking->modes, &finding);
}

/* read_config_file_depth() of OpenSSH's readconf.c: ends over a configuration that is
 * neither root's nor one's own, or that others may write. */
static void look_at_config(const struct looking *looking, const char *path)
{
	struct mode_finding finding;
	struct stat status;
	bool odd = compare_mode(looking, path, 0644, &finding);
	if (finding.path[0] == '\0' || stat(path, &status) != 0)
		return;
	bool strange = status.st_uid != 0 && finding.foreign;
	if (strange || (finding.mode & 022) != 0) {
		finding.severity = MODE_REFUSED;
		looking->modes->config_refused = true;
		odd = true;
	} else if (finding.foreign && !finding.unreadable) {
		odd = false; /* root's: fine */
	}
	if (odd)
		add_finding(looking->modes, &finding);
}

/* A key of the default names, or one that IdentityFile names in their stead. */
static bool is_tried(const struct looking *looking, const char *path)
{
	const struct settings *settings = looking->settings;
	for (size_t i = 0; i < settings->identity_count; i++) {
		char expanded[512];
		if (settings_expand(settings, looking->person, settings->identity[i], expanded,
				    sizeof(expanded)) &&
		    strcmp(expanded, path) == 0)
			return true;
	}
	return false;
}

static void look_at_entry(const struct looking *looking, const char *name)
{
	char path[640];
	struct stat status;
	snprintf(path, sizeof(path), "%s/%s", looking->folder, name);
	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return;
	if (strcmp(name, "config") == 0)
		look_at_config(looking, path);
	else if (ends_with(name, ".pub") || strncmp(name, "known_hosts", 11) == 0)
		look_at(looking, path, 0644);
	else if (is_tried(looking, path) || is_private_key(path))
		look_at_key(looking, path, is_tried(looking, path));
}

/* Keys that IdentityFile names elsewhere. */
static void look_elsewhere(const struct looking *looking)
{
	const struct settings *settings = looking->settings;
	size_t inside = strlen(looking->folder);
	for (size_t i = 0; i < settings->identity_count; i++) {
		char path[512];
		if (!settings_expand(settings, looking->person, settings->identity[i], path,
				     sizeof(path)) ||
		    (strncmp(path, looking->folder, inside) == 0 && path[inside] == '/' &&
		     strchr(path + inside + 1, '/') == NULL))
			continue;
		look_at_key(looking, path, true);
	}
}

void modes_find(const struct settings *settings, const struct person *person, struct modes *modes)
{
	struct looking looking = { .settings = settings, .person = person, .modes = modes };
	memset(modes, 0, sizeof(*modes));
	snprintf(looking.folder, sizeof(looking.folder), "%s/.ssh", person->home);
	look_at_folder(&looking);
	DIR *folder = opendir(looking.folder);
	const struct dirent *entry;
	for (unsigned i = 0; folder != NULL && i < ENTRIES_MAX && (entry = readdir(folder)); i++)
		if (entry->d_name[0] != '.')
			look_at_entry(&looking, entry->d_name);
	if (folder != NULL)
		closedir(folder);
	look_elsewhere(&looking);
}

void mode_describe(const struct mode_finding *finding, char *text, size_t room)
{
	if (finding->unreadable)
		snprintf(text, room, "%s cannot be read (mode %03o%s)", finding->path,
			 finding->mode, finding->foreign ? ", another user's" : "");
	else if ((finding->mode & ~finding->wanted & 0777) != 0)
		snprintf(text, room, "%s has mode %03o, not %03o", finding->path, finding->mode,
			 finding->wanted);
	else
		snprintf(text, room, "%s belongs to another user", finding->path);
}
