/*
 * Runs a command on a host of a lab: enter LAB HOST COMMAND...
 *
 * A host is the network namespace LAB-HOST, and a folder of the lab's own that is /run to
 * everything in it; files in its /run/etc stand in place of those in /etc. Tests enter hosts
 * thousands of times: this takes a tenth of the time in which Python starts.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { EX_USAGE = 64, EX_NOT_FOUND = 127 };

static void format(char path[PATH_MAX], const char *pattern, const char *first, const char *second)
{
	if (snprintf(path, PATH_MAX, pattern, first, second) >= PATH_MAX)
		errx(1, "%s: too long", second);
}

static void enter_network(const char *lab, const char *host)
{
	char path[PATH_MAX];
	format(path, "/run/netns/%s-%s", lab, host);
	int handle = open(path, O_RDONLY | O_CLOEXEC);
	if (handle < 0 || setns(handle, CLONE_NEWNET) != 0)
		err(1, "%s", path);
	close(handle);
}

static void bind_over(const char *source, const char *target)
{
	if (mount(source, target, NULL, MS_BIND, NULL) != 0)
		err(1, "mount %s", target);
}

/* Each file of the host's etc, over what the machine's own leads to. */
static void replace_etc(const char *run)
{
	char folder[PATH_MAX], source[PATH_MAX], name[PATH_MAX], target[PATH_MAX];
	format(folder, "%s/%s", run, "etc");
	DIR *files = opendir(folder);
	if (!files)
		err(1, "%s", folder);
	for (struct dirent *file; (file = readdir(files));) {
		if (file->d_name[0] == '.')
			continue;
		format(source, "%s/%s", folder, file->d_name);
		format(name, "%s/%s", "/etc", file->d_name);
		bind_over(source, realpath(name, target) ? target : name);
	}
	closedir(files);
}

static void enter_files(const char *lab, const char *host)
{
	char run[PATH_MAX];
	format(run, "/run/sshwhy-lab/%s/%s", lab, host);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) != 0)
		err(1, "unshare");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) != 0)
		err(1, "mount /sys");
	replace_etc(run);
	bind_over(run, "/run");
}

/* What tells of the person who runs the lab: on a host there is only root. */
static void forget_the_person(void)
{
	const char *const personal[] = { "SUDO_UID",	 "SUDO_GID",	  "SUDO_USER",
					 "SUDO_COMMAND", "SSH_AUTH_SOCK", "LD_PRELOAD" };
	for (size_t at = 0; at < sizeof personal / sizeof *personal; at++)
		unsetenv(personal[at]);
	setenv("HOME", "/run/home", 1);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(EX_USAGE, "usage: enter LAB HOST COMMAND...");
	enter_network(argv[1], argv[2]);
	enter_files(argv[1], argv[2]);
	forget_the_person();
	signal(SIGPIPE, SIG_DFL); /* which some callers ignore */
	execvp(argv[3], argv + 3);
	fprintf(stderr, "%s: %s\n", argv[3], strerror(errno));
	return EX_NOT_FOUND;
}
