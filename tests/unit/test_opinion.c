/* The person's ssh on a connection of the probe's: what it is told, and what is carried. The ssh
 * here is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/opinion.h"

static char folder[] = "/tmp/opinion.XXXXXX";

static void write_ssh(const char *does)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/ssh", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", does);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static struct opinion *start(const char *does, const char *first)
{
	struct settings settings = { .host_keys = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256" };
	struct person person;
	write_ssh(does);
	person_find(&person);
	snprintf(settings.hostname, sizeof(settings.hostname), "vm.example");
	snprintf(settings.kex, sizeof(settings.kex), "curve25519-sha256");
	struct opinion *opinion = opinion_start(&settings, first, &person);
	assert_non_null(opinion);
	return opinion;
}

/* Carries until it is over, or the server has heard `length` bytes; whether it goes on. */
static bool carry(struct opinion *opinion, int fd, int server, char *heard, size_t length)
{
	size_t got = 0;
	bool on = true;
	while (on && got < length) {
		struct pollfd fds[] = { { opinion_words_fd(opinion), POLLIN, 0 },
					{ opinion_end_fd(opinion), POLLIN, 0 } };
		assert_int_not_equal(poll(fds, 2, 5000), 0);
		on = opinion_carry(opinion, fd);
		ssize_t more = recv(server, heard + got, length - got, MSG_DONTWAIT);
		got += more > 0 ? (size_t)more : 0;
	}
	heard[got] = '\0';
	return on;
}

static void words_go_both_ways(void **state)
{
	(void)state;
	int ends[2];
	char heard[64];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	struct opinion *opinion =
		start("printf 'SSH-2.0-x\\r\\n' >&2; read line <&2; echo \"is $line\" >&2", "");
	assert_true(carry(opinion, ends[0], ends[1], heard, 11));
	assert_string_equal(heard, "SSH-2.0-x\r\n");
	assert_true(opinion_spoke(opinion));
	assert_int_equal(write(ends[1], "SSH-2.0-y\n", 10), 10);
	assert_true(opinion_carry(opinion, ends[0]));
	(void)carry(opinion, ends[0], ends[1], heard, 13);
	assert_string_equal(heard, "is SSH-2.0-y\n");
	opinion_end(opinion);
	close(ends[0]);
	close(ends[1]);
}

/* What it complains of is no word to a server; and that it ends is told. */
static void only_ssh_is_carried(void **state)
{
	(void)state;
	static const char *const does[] = { "echo no such user >&2; sleep 9", "exit 255" };
	for (size_t i = 0; i < 2; i++) {
		int ends[2];
		char heard[64];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		struct opinion *opinion = start(does[i], "");
		assert_false(carry(opinion, ends[0], ends[1], heard, 63));
		assert_string_equal(heard, "");
		assert_false(opinion_spoke(opinion));
		opinion_end(opinion);
		close(ends[0]);
		close(ends[1]);
	}
}

static void words_without_end_are_not_carried(void **state)
{
	(void)state;
	int ends[2];
	static char heard[256 * 1024];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	struct opinion *opinion = start("yes SSH-2.0-x >&2; true", "");
	assert_false(carry(opinion, ends[0], ends[1], heard, sizeof(heard) - 1));
	assert_in_range(strlen(heard), 1, 64 * 1024);
	opinion_end(opinion);
	close(ends[0]);
	close(ends[1]);
}

static void it_is_told_what_the_person_would_ask_for(void **state)
{
	(void)state;
	int ends[2];
	char heard[1024];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	struct opinion *opinion = start("echo \"SSH-$*\" >&2", "rsa-sha2-256");
	(void)carry(opinion, ends[0], ends[1], heard, sizeof(heard) - 1);
	assert_non_null(strstr(heard, "-F none "));
	assert_non_null(strstr(heard, "-oBatchMode=yes "));
	assert_non_null(strstr(heard, "-oPreferredAuthentications=none "));
	assert_non_null(strstr(heard, "-oKexAlgorithms=curve25519-sha256 "));
	assert_non_null(
		strstr(heard, "-oHostKeyAlgorithms=rsa-sha2-256,ssh-ed25519,rsa-sha2-512 "));
	assert_null(strstr(heard, "-oCiphers"));
	assert_non_null(strstr(heard, "-- vm.example"));
	opinion_end(opinion);
	close(ends[0]);
	close(ends[1]);
}

static int make_folder(void **state)
{
	(void)state;
	char path[4096];
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s:%s", folder, getenv("PATH"));
	return setenv("PATH", path, 1);
}

static int remove_folder(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof(path), "%s/ssh", folder);
	return unlink(path) + rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_go_both_ways),
		cmocka_unit_test(only_ssh_is_carried),
		cmocka_unit_test(words_without_end_are_not_carried),
		cmocka_unit_test(it_is_told_what_the_person_would_ask_for),
	};
	return cmocka_run_group_tests_name("opinion", tests, make_folder, remove_folder);
}
