#include "wall/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's, with what newer ones have added at its end: <linux/landlock.h> may be older. */
struct landlock {
	uint64_t files, ports, others;
};

/* What each version of the interface could refuse more than the one before. */
static const struct landlock refused[] = {
	[1] = { .files = (1 << 13) - 1 },
	[2] = { .files = (1 << 14) - 1 }, /* links and renames between folders */
	[3] = { .files = (1 << 15) - 1 }, /* truncation */
	[4] = { .files = (1 << 15) - 1, .ports = 3 },
	[5] = { .files = (1 << 16) - 1, .ports = 3 }, /* ioctls of devices */
};

enum { NEWEST = sizeof(refused) / sizeof(refused[0]) - 1 };

static int version_of_the_kernel(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return version > NEWEST ? NEWEST : (int)version;
}

/* What cannot be opened needs no rule, and has its error when it is opened. Pipes can have none:
 * those that are open are reopened freely. */
static void allow_reading(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	if (rule.parent_fd < 0)
		return;
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

bool files_can_close(void)
{
	return version_of_the_kernel() >= 1;
}

bool files_close(const char *const *readable, size_t count, struct error *error)
{
	int version = version_of_the_kernel();
	if (version < 1)
		return true;
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &refused[version],
				   sizeof(refused[version]), 0);
	for (size_t i = 0; i < count; i++)
		if (readable[i] != NULL)
			allow_reading(ruleset, readable[i]);
	bool closed = ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	int cause = errno;
	if (ruleset >= 0)
		close(ruleset);
	return closed || error_set(error, EXIT_UNAVAILABLE, "landlock: %s", strerror(cause));
}
