/* The handshake with real servers, sshd and dropbear, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <shadow.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handshake/handshake.h"
#include "loopback.h"
#include "ssh_samples.h"

/* -- real servers ------------------------------------------------------------------- */

struct real {
	char folder[64]; /* keys and configuration; "" when there can be no server */
	const char *missing;
};

static void run_quietly(char *const argv[])
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0), dup2(null, 1), dup2(null, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(child, &status, 0);
}

static char *in_folder(const struct real *real, const char *name)
{
	static char path[8][128];
	static unsigned next;
	char *out = path[next++ % 8];
	snprintf(out, sizeof(path[0]), "%s/%s", real->folder, name);
	return out;
}

static void make_key(const struct real *real, const char *type, const char *bits, const char *name)
{
	run_quietly((char *[]){ "/usr/bin/ssh-keygen", "-q", "-t", (char *)type, "-b", (char *)bits,
				"-N", "", "-C", "test", "-f", in_folder(real, name), NULL });
}

static int set_up_real(void **state)
{
	static struct real real;
	*state = &real;
	if (access("/usr/sbin/sshd", X_OK) != 0 || access("/usr/bin/ssh-keygen", X_OK) != 0)
		real.missing = "no OpenSSH server is installed";
	else if (geteuid() == 0 && access("/run/sshd", X_OK) != 0)
		real.missing = "sshd wants /run/sshd, which is not there";
	if (real.missing != NULL)
		return 0;
	snprintf(real.folder, sizeof(real.folder), "/tmp/test_handshake.XXXXXX");
	if (mkdtemp(real.folder) == NULL)
		return -1;
	make_key(&real, "ed25519", "256", "ed25519");
	make_key(&real, "ecdsa", "256", "ecdsa");
	make_key(&real, "rsa", "2048", "rsa");
	make_key(&real, "ed25519", "256", "user");
	make_key(&real, "ed25519", "256", "stranger");
	return 0;
}

static int tear_down_real(void **state)
{
	struct real *real = *state;
	static const char *const names[] = { "ed25519", "ecdsa", "rsa", "user", "stranger" };
	if (real->folder[0] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[32];
		snprintf(name, sizeof(name), "%s.pub", names[i]);
		unlink(in_folder(real, names[i]));
		unlink(in_folder(real, name));
	}
	unlink(in_folder(real, "dropbear"));
	return rmdir(real->folder);
}

static bool skipped(const struct real *real)
{
	if (real->missing != NULL)
		print_message("skipped: %s\n", real->missing);
	return real->missing != NULL;
}

static int64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

/* The server serves this connection as its standard input and output. */
static pid_t serve(struct link *link, char *const argv[])
{
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(link->server, 0), dup2(link->server, 1), dup2(null, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	close(link->server);
	return child;
}

/* A whole handshake in real time. The caller frees it. */
static struct handshake *talk_to(char *const argv[], const struct handshake_options *options)
{
	int next = next_descriptor();
	struct link link = connect_link();
	struct error error = { 0 };
	pid_t child = serve(&link, argv);
	struct handshake *handshake = handshake_new(link.client, options, &error);
	assert_non_null(handshake);
	while (handshake_step(handshake, clock_ns()) != HANDSHAKE_DONE) {
		struct pollfd poll_fd = { .fd = link.client,
					  .events = handshake_poll_events(handshake) };
		int64_t left = handshake_deadline(handshake) - clock_ns();
		poll(&poll_fd, 1, left > 0 ? (int)(left / MILLISECOND) + 1 : 0);
	}
	close(link.client);
	assert_int_equal(next_descriptor(), next);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	return handshake;
}

/* `setting` is one "-o" for sshd, or NULL. */
static struct handshake *talk_to_sshd(const struct real *real, char *setting,
				      const struct handshake_options *options)
{
	char key[3][160], authorized[160];
	snprintf(key[0], sizeof(key[0]), "HostKey=%s", in_folder(real, "ed25519"));
	snprintf(key[1], sizeof(key[1]), "HostKey=%s", in_folder(real, "ecdsa"));
	snprintf(key[2], sizeof(key[2]), "HostKey=%s", in_folder(real, "rsa"));
	snprintf(authorized, sizeof(authorized), "AuthorizedKeysFile=%s",
		 in_folder(real, "user.pub"));
	return talk_to((char *[]){ "/usr/sbin/sshd", "-i", "-f", "/dev/null", "-o", key[0], "-o",
				   key[1], "-o", key[2], "-o", authorized, "-o", "UsePAM=no", "-o",
				   "StrictModes=no", "-o", setting ? setting : "UseDNS=no", NULL },
		       options);
}

/* What ssh-keygen says of a key file: "256 SHA256:... test (ED25519)". */
static void assert_fingerprint(const struct real *real, const char *name, const char *fingerprint)
{
	char command[256], line[256] = "";
	snprintf(command, sizeof(command), "/usr/bin/ssh-keygen -lf %s", in_folder(real, name));
	FILE *out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(line, sizeof(line), out));
	pclose(out);
	char *start = strstr(line, "SHA256:");
	assert_non_null(start);
	start[strcspn(start, " ")] = '\0';
	assert_string_equal(fingerprint, start);
}

static void test_sshd(void **state)
{
	struct real *real = *state;
	if (skipped(real))
		skip();
	struct handshake *handshake = talk_to_sshd(real, NULL, &(struct handshake_options){ 0 });
	const struct handshake_result *result = handshake_result(handshake);
	assert_string_equal(event_word_name(result->end), "authentication");
	assert_int_equal(result->stage, HANDSHAKE_STAGE_AUTH);
	assert_string_equal(result->kex, "curve25519-sha256");
	assert_string_equal(result->host_key_type, "ssh-ed25519");
	assert_fingerprint(real, "ed25519.pub", result->fingerprint);
	assert_true(result->signature_verified);
	assert_int_equal(strncmp(result->banner, "SSH-2.0-OpenSSH_", 16), 0);
	assert_string_equal(result->auth_methods, "publickey password keyboard-interactive");
	assert_string_equal(result->message, "");
	handshake_free(handshake);
}

static void test_sshd_host_keys(void **state)
{
	struct real *real = *state;
	static const struct {
		const char *asked, *type, *file;
	} keys[] = {
		{ "rsa-sha2-512,rsa-sha2-256", "ssh-rsa", "rsa.pub" },
		{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "ecdsa.pub" },
		{ "no-such-key", "ssh-ed25519", "ed25519.pub" },
	};
	if (skipped(real))
		skip();
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct handshake_options options = { .host_keys_first = keys[i].asked };
		struct handshake *handshake = talk_to_sshd(real, NULL, &options);
		assert_string_equal(handshake_result(handshake)->host_key_type, keys[i].type);
		assert_fingerprint(real, keys[i].file, handshake_result(handshake)->fingerprint);
		handshake_free(handshake);
	}
}

/* What OpenSSH's client offers by default and libssh has: each alone suffices. */
static void test_sshd_algorithms(void **state)
{
	struct real *real = *state;
	static char settings[][80] = {
		"KexAlgorithms=curve25519-sha256@libssh.org",
		"KexAlgorithms=ecdh-sha2-nistp256",
		"KexAlgorithms=ecdh-sha2-nistp384",
		"KexAlgorithms=ecdh-sha2-nistp521",
		"KexAlgorithms=diffie-hellman-group-exchange-sha256",
		"KexAlgorithms=diffie-hellman-group16-sha512",
		"KexAlgorithms=diffie-hellman-group18-sha512",
		"KexAlgorithms=diffie-hellman-group14-sha256",
		"Ciphers=aes128-ctr",
		"Ciphers=aes192-ctr",
		"Ciphers=aes256-ctr",
		"Ciphers=aes128-gcm@openssh.com",
		"Ciphers=aes256-gcm@openssh.com",
		"HostKeyAlgorithms=rsa-sha2-256",
	};
	if (skipped(real))
		skip();
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		print_message("  %s\n", settings[i]);
		struct handshake *handshake =
			talk_to_sshd(real, settings[i], &(struct handshake_options){ 0 });
		assert_string_equal(event_word_name(handshake_result(handshake)->end),
				    "authentication");
		if (strncmp(settings[i], "Kex", 3) == 0)
			assert_string_equal(handshake_result(handshake)->kex,
					    strchr(settings[i], '=') + 1);
		handshake_free(handshake);
	}
}

/* What ssh offers is what counts, whether libssh knows it or not. */
static void test_sshd_and_what_ssh_offers(void **state)
{
	struct real *real = *state;
	static const struct {
		struct handshake_options options;
		enum event_word end;
	} rows[] = {
		{ { .kex = "diffie-hellman-group14-sha1,ecdh-sha2-nistp384" },
		  WORD_SSH_AUTHENTICATION },
		{ { .kex = "diffie-hellman-group1-sha1" }, WORD_SSH_NO_COMMON },
		{ { .kex = "sntrup761x25519-sha512@openssh.com" }, WORD_SSH_UNFOLLOWED },
		{ { .kex = "unheard-of" }, WORD_SSH_NO_COMMON },
		{ { .ciphers = "aes128-cbc" }, WORD_SSH_NO_COMMON },
		/* a cipher that needs no MAC asks for none */
		{ { .macs = "hmac-md5" }, WORD_SSH_AUTHENTICATION },
		{ { .macs = "hmac-md5", .ciphers = "aes128-ctr" }, WORD_SSH_NO_COMMON },
		{ { .macs = "umac-64@openssh.com", .ciphers = "aes128-ctr" }, WORD_SSH_UNFOLLOWED },
		{ { .compression = true }, WORD_SSH_AUTHENTICATION },
	};
	if (skipped(real))
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct handshake *handshake = talk_to_sshd(real, NULL, &rows[i].options);
		if (handshake_result(handshake)->end != rows[i].end)
			fail_msg("row %zu: %s", i,
				 event_word_name(handshake_result(handshake)->end));
		handshake_free(handshake);
	}
}

static void test_sshd_refuses(void **state)
{
	struct real *real = *state;
	static const struct {
		char setting[64];
		enum event_word end;
	} servers[] = {
		{ "KexAlgorithms=diffie-hellman-group14-sha1", WORD_SSH_NO_COMMON },
		{ "Ciphers=aes256-cbc", WORD_SSH_NO_COMMON },
		{ "HostKeyAlgorithms=ssh-rsa", WORD_SSH_NO_COMMON },
		{ "KexAlgorithms=sntrup761x25519-sha512@openssh.com", WORD_SSH_UNFOLLOWED },
	};
	if (skipped(real))
		skip();
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		print_message("  %s\n", servers[i].setting);
		struct handshake *handshake = talk_to_sshd(real, (char *)servers[i].setting,
							   &(struct handshake_options){ 0 });
		const struct handshake_result *result = handshake_result(handshake);
		assert_string_equal(event_word_name(result->end), event_word_name(servers[i].end));
		handshake_free(handshake);
	}
}

/* sshd without PAM lets nobody into an account with a locked password, and cannot
 * look without root's eyes. */
static bool account_is_open(const char *name)
{
	const struct spwd *shadow = getspnam(name);
	return shadow != NULL && shadow->sp_pwdp[0] != '!';
}

/* As its file has it. */
static const char *key_text(const struct real *real, const char *name, char text[8192])
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", real->folder, name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	text[fread(text, 1, 8191, file)] = '\0';
	fclose(file);
	return text;
}

static void test_sshd_key(void **state)
{
	struct real *real = *state;
	if (skipped(real))
		skip();
	const struct passwd *self = getpwuid(geteuid());
	assert_non_null(self);
	char stranger[8192], user[8192];
	const struct handshake_key keys[] = { { .text = "no key" },
					      { .text = key_text(real, "stranger", stranger) },
					      { .text = key_text(real, "user", user) } };
	struct handshake_options options = {
		.user = self->pw_name, .authenticate = true, .keys = keys, .key_count = 2
	};
	struct handshake *handshake = talk_to_sshd(real, NULL, &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end),
			    "authentication-refused");
	assert_int_equal(handshake_result(handshake)->stage, HANDSHAKE_STAGE_AUTH);
	handshake_free(handshake);

	options.key_count = 3;
	handshake = talk_to_sshd(real, NULL, &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end),
			    account_is_open(self->pw_name) ? "authenticated"
							   : "authentication-refused");
	handshake_free(handshake);

	/* Neither has anything to offer. */
	options.key_count = 1;
	options.lacks = "no such key";
	handshake = talk_to_sshd(real, NULL, &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end), "nothing-to-offer");
	assert_string_equal(handshake_result(handshake)->message, "no such key");
	handshake_free(handshake);
	options.key_count = 3;
	handshake = talk_to_sshd(real, "PubkeyAuthentication=no", &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end), "nothing-to-offer");
	assert_string_equal(handshake_result(handshake)->message, "the server takes no keys");
	handshake_free(handshake);

	/* The first attempt is one too many. */
	options.key_count = 2;
	handshake = talk_to_sshd(real, "MaxAuthTries=1", &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end),
			    "authentication-refused");
	assert_int_equal(handshake_result(handshake)->reason, 2);
	assert_string_equal(handshake_result(handshake)->message,
			    "Too many authentication failures");
	handshake_free(handshake);
}

/* A key whose passphrase nobody is asked for: whether the server would take it is. */
static void test_sshd_locked_key(void **state)
{
	struct real *real = *state;
	if (skipped(real))
		skip();
	const struct passwd *self = getpwuid(geteuid());
	char stranger[8192], user[8192];
	const struct handshake_key keys[] = {
		{ .path = "a", .half = key_text(real, "stranger.pub", stranger), .trouble = "b" },
		{ .path = "c", .half = key_text(real, "user.pub", user), .trouble = "is locked" }
	};
	struct handshake_options options = {
		.user = self->pw_name, .authenticate = true, .keys = keys, .key_count = 1
	};
	struct handshake *handshake = talk_to_sshd(real, NULL, &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end),
			    "authentication-refused");
	handshake_free(handshake);
	if (!account_is_open(self->pw_name))
		skip();
	options.key_count = 2;
	handshake = talk_to_sshd(real, NULL, &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end), "nothing-to-offer");
	assert_non_null(
		strstr(handshake_result(handshake)->message, "would take c, which is locked"));
	handshake_free(handshake);
}

struct opinion {
	bool trusted;
	unsigned asked;
};

static bool as_told(void *context, const char *type, const char *fingerprint)
{
	struct opinion *opinion = context;
	opinion->asked++;
	assert_string_equal(type, "ssh-ed25519");
	assert_int_equal(strncmp(fingerprint, "SHA256:", 7), 0);
	return opinion->trusted;
}

/* sshd, which bears no attempt, would say so. */
static void test_sshd_is_not_trusted(void **state)
{
	struct real *real = *state;
	if (skipped(real))
		skip();
	char stranger[8192];
	const struct handshake_key keys[] = { { .text = key_text(real, "stranger", stranger) } };
	for (int trusted = 0; trusted <= 1; trusted++) {
		struct opinion opinion = { .trusted = trusted };
		struct handshake_options options = { .authenticate = true,
						     .keys = keys,
						     .key_count = 1,
						     .trusts = as_told,
						     .context = &opinion };
		struct handshake *handshake = talk_to_sshd(real, "MaxAuthTries=1", &options);
		const struct handshake_result *result = handshake_result(handshake);
		assert_int_equal(opinion.asked, 1);
		assert_string_equal(event_word_name(result->end),
				    trusted ? "authentication-refused" : "authentication");
		assert_int_equal(result->withheld, !trusted);
		assert_int_equal(result->stage, HANDSHAKE_STAGE_AUTH);
		handshake_free(handshake);
	}
}

/* A file next to the keys must not appear: libssh writes public keys when asked to
 * find identities by itself. */
static void test_no_file_is_written(void **state)
{
	struct real *real = *state;
	if (skipped(real))
		skip();
	assert_int_equal(unlink(in_folder(real, "stranger.pub")), 0);
	char stranger[8192];
	const struct handshake_key keys[] = { { .text = key_text(real, "stranger", stranger) } };
	struct handshake_options options = { .authenticate = true, .keys = keys, .key_count = 1 };
	handshake_free(talk_to_sshd(real, NULL, &options));
	assert_int_not_equal(access(in_folder(real, "stranger.pub"), F_OK), 0);
}

static void test_dropbear(void **state)
{
	struct real *real = *state;
	char *key = in_folder(real, "dropbear");
	if (skipped(real) || access("/usr/sbin/dropbear", X_OK) != 0)
		skip();
	run_quietly((char *[]){ "/usr/bin/dropbearkey", "-t", "ed25519", "-f", key, NULL });
	struct handshake *handshake =
		talk_to((char *[]){ "/usr/sbin/dropbear", "-i", "-r", key, NULL },
			&(struct handshake_options){ 0 });
	const struct handshake_result *result = handshake_result(handshake);
	assert_string_equal(event_word_name(result->end), "authentication");
	assert_string_equal(result->host_key_type, "ssh-ed25519");
	assert_int_equal(strncmp(result->banner, "SSH-2.0-dropbear_", 17), 0);
	assert_true(result->signature_verified);
	handshake_free(handshake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sshd),
		cmocka_unit_test(test_sshd_host_keys),
		cmocka_unit_test(test_sshd_algorithms),
		cmocka_unit_test(test_sshd_and_what_ssh_offers),
		cmocka_unit_test(test_sshd_refuses),
		cmocka_unit_test(test_sshd_key),
		cmocka_unit_test(test_sshd_locked_key),
		cmocka_unit_test(test_sshd_is_not_trusted),
		cmocka_unit_test(test_no_file_is_written),
		cmocka_unit_test(test_dropbear),
	};
	return cmocka_run_group_tests(tests, set_up_real, tear_down_real);
}
