/* The way that ssh's configuration takes: which command it is, and what its end or words mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/proxy.h"

enum proxy_kind { BY_COMMAND, BY_JUMP };

static struct proxy *start_to(const char *host, const char *user, enum proxy_kind kind,
			      const char *value)
{
	struct settings settings = { .port = 2222, .user = "ann" };
	struct person person;
	person_find(&person);
	snprintf(settings.host, sizeof(settings.host), "%s", host);
	snprintf(settings.hostname, sizeof(settings.hostname), "%s", host);
	if (user != NULL)
		snprintf(settings.user, sizeof(settings.user), "%s", user);
	if (kind == BY_JUMP)
		snprintf(settings.proxy_jump, sizeof(settings.proxy_jump), "%s", value);
	else
		snprintf(settings.proxy_command, sizeof(settings.proxy_command), "%s", value);
	return proxy_start(&settings, &person);
}

static struct proxy *start(enum proxy_kind kind, const char *value)
{
	return start_to("vm.example", NULL, kind, value);
}

static enum proxy_outcome outcome(const char *command, int patience_ms, char said[64])
{
	struct proxy *proxy = start(BY_COMMAND, command);
	assert_non_null(proxy);
	enum proxy_outcome outcome = proxy_wait(proxy, patience_ms, INT64_MAX, -1, said, 64);
	proxy_end(proxy);
	return outcome;
}

static void outcomes(void **state)
{
	(void)state;
	static const struct {
		const char *command;
		int patience_ms;
		enum proxy_outcome outcome;
		const char *said;
	} rows[] = {
		{ "printf 'SSH-2.0-x\\r\\n'; cat", 5000, PROXY_ANSWERS, "SSH-2.0-x" },
		{ "printf 'hello\\r\\nSSH-2.0-x\\n'; cat", 5000, PROXY_ANSWERS, "SSH-2.0-x" },
		{ "echo refused >&2; exit 1", 5000, PROXY_FAILS, "refused" },
		{ "printf 'HTTP/1.1 403 Forbidden\\r\\n\\r\\n'", 5000, PROXY_FAILS,
		  "HTTP/1.1 403 Forbidden" },
		{ "true", 5000, PROXY_FAILS, "" },
		{ "/does/not/exist 2>/dev/null", 5000, PROXY_FAILS, "" },
		{ "cat", 100, PROXY_SILENT, "" },
		{ "printf SSH-2.0-cut; cat", 100, PROXY_SILENT, "SSH-2.0-cut" },
		{ "echo %h %p %r %n %% >&2", 5000, PROXY_FAILS,
		  "vm.example 2222 ann vm.example %" },
		{ "yes", 5000, PROXY_FAILS, NULL }, /* no end of it */
		/* a pipeline ends as it does in a shell (128 + SIGPIPE) */
		{ "(yes; echo \\$? >&2) | true", 5000, PROXY_FAILS, "141" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char said[64];
		/* sh's exec takes one command; the rest needs a shell of its own */
		char command[256];
		snprintf(command, sizeof(command), "sh -c \"%s\"", rows[i].command);
		assert_int_equal(outcome(command, rows[i].patience_ms, said), rows[i].outcome);
		if (rows[i].said != NULL)
			assert_string_equal(said, rows[i].said);
	}
}

/* As ssh does it: $SHELL, and without it /bin/sh. */
static void shell(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_proxy.XXXXXX", path[64], said[64], command[96];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/shell", folder);
	FILE *script = fopen(path, "w");
	assert_non_null(script);
	fputs("#!/bin/sh\n[ \"$0\" = \"$SHELL\" ] && echo \"SSH-2.0-$1-$2\"\n", script);
	fclose(script);
	chmod(folder, 0755);
	chmod(path, 0755);
	setenv("SHELL", path, 1);
	assert_int_equal(outcome("connect %p", 5000, said), PROXY_ANSWERS);
	assert_string_equal(said, "SSH-2.0--c-exec connect 2222");
	unsetenv("SHELL");
	assert_int_equal(outcome("echo SSH-2.0-sh", 5000, said), PROXY_ANSWERS);
	unlink(path);
	snprintf(command, sizeof(command), "sh -c 'echo SSH-2.0-\"$SHELL\"'");
	assert_int_equal(outcome(command, 5000, said), PROXY_ANSWERS);
	assert_string_equal(said, "SSH-2.0-/bin/sh");
	rmdir(folder);
}

static void not_run(void **state)
{
	(void)state;
	static const struct {
		enum proxy_kind kind;
		const char *value;
	} rows[] = {
		{ BY_COMMAND, "" },
		{ BY_COMMAND, "nc %h %k" }, /* what %k is, is not known here */
		{ BY_COMMAND, "nc %" },
		{ BY_JUMP, "host;id" },
		{ BY_JUMP, "$(id)" },
		{ BY_JUMP, "-oProxyCommand=id" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_null(start(rows[i].kind, rows[i].value));
	proxy_end(NULL);
}

/* Names that a shell would take for more than names; ssh refuses them. */
static void not_run_for_such_names(void **state)
{
	(void)state;
	static const struct {
		const char *host, *user;
		bool run;
	} rows[] = {
		{ "$(id)", NULL, false },
		{ "`id`", NULL, false },
		{ "vm;id", NULL, false },
		{ "vm|id", NULL, false },
		{ "vm>x", NULL, false },
		{ "vm&", NULL, false },
		{ "vm id", NULL, false },
		{ "vm\nid", NULL, false },
		{ "vm\x01", NULL, false },
		{ "vm\\", NULL, false },
		{ "{vm,id}", NULL, false },
		{ "'vm", NULL, false },
		{ "\"vm", NULL, false },
		{ "-oProxyCommand=id", NULL, false },
		{ "vm", "ann;id", false },
		{ "vm", "$(id)", false },
		{ "vm", "`id`", false },
		{ "vm", "-ann", false },
		{ "vm", "ann -x", false },
		{ "vm", "ann\n", false },
		{ "vm", "ann\\", false },
		{ "fe80::1%eth0", NULL, true },
		{ "vm_1.example.", "ann@example", true },
		{ "vm", "DOMAIN\\ann lee", true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proxy *proxy =
			start_to(rows[i].host, rows[i].user, BY_COMMAND, "true %h %r");
		assert_int_equal(proxy != NULL, rows[i].run);
		proxy_end(proxy);
	}
}

/* -- without room -------------------------------------------------------------------- */

static bool no_processes;

/* In the place of fork() (the linker's --wrap). */
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	return no_processes ? -1 : __real_fork();
}

static size_t open_descriptors(void)
{
	size_t count = 0;
	DIR *folder = opendir("/proc/self/fd");
	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void nothing_stays_open_without_a_process(void **state)
{
	(void)state;
	size_t before = open_descriptors();
	no_processes = true;
	struct proxy *proxy = start(BY_COMMAND, "true");
	no_processes = false;
	assert_null(proxy);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the program does */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(shell),
		cmocka_unit_test(not_run),
		cmocka_unit_test(not_run_for_such_names),
		cmocka_unit_test(nothing_stays_open_without_a_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
