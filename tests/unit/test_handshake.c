/* Handshakes with servers played from a script, and with real ones (sshd -i,
 * dropbear -i) on accepted loopback connections. The clock is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <shadow.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handshake/handshake.h"
#include "ssh_samples.h"

#define MILLISECOND INT64_C(1000000)
#define BYTES(text) text, sizeof(text) - 1

/* -- a connection over the loopback interface ------------------------------------- */

struct link {
	int client, server;
};

static struct link connect_link(void)
{
	struct link link;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
	link.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(link.client, (struct sockaddr *)&address, length), 0);
	assert_int_equal(fcntl(link.client, F_SETFL, O_NONBLOCK), 0);
	link.server = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(link.server >= 0);
	close(listening);
	return link;
}

static void reset_server(struct link *link)
{
	struct linger now = { .l_onoff = 1 };
	setsockopt(link->server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(link->server);
	link->server = -1;
}

/* Steps at the time `now_ns` until nothing happens for a while. */
static void settle(struct handshake *handshake, struct link *link, int64_t now_ns)
{
	for (int i = 0; i < 2000; i++) {
		if (handshake_step(handshake, now_ns) == HANDSHAKE_DONE)
			return;
		struct pollfd poll_fd = { .fd = link->client,
					  .events = handshake_poll_events(handshake) };
		if (poll(&poll_fd, 1, 60) == 0)
			return;
	}
	fail_msg("it never comes to rest");
}

/* -- played servers ------------------------------------------------------------------ */

enum leave { STAY, FIN, RESET };

struct act {
	const char *bytes;
	size_t length;
	enum leave leave;
};

static void perform(struct link *link, const struct act *act)
{
	if (act->length > 0)
		assert_int_equal(send(link->server, act->bytes, act->length, MSG_NOSIGNAL),
				 act->length);
	if (act->leave == FIN)
		shutdown(link->server, SHUT_WR);
	else if (act->leave == RESET)
		reset_server(link);
}

/* Whether the client's identification string has come. */
static bool hears_client(const struct link *link)
{
	char bytes[64];
	if (link->server < 0)
		return false;
	ssize_t got = recv(link->server, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	return got > 8 && memcmp(bytes, "SSH-2.0-", 8) == 0;
}

static const struct scene {
	const char *name;
	struct act before; /* while the client listens */
	struct act after;  /* once it has spoken */
	enum event_word end;
	enum handshake_stage stage;
	bool spoke;
	unsigned lines;
	const char *first_line, *banner;
	int error;
} scenes[] = {
	{ "closed without a byte",
	  { "", 0, FIN },
	  { 0 },
	  WORD_SSH_CLOSED,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  0,
	  "",
	  "",
	  0 },
	{ "reset without a byte",
	  { "", 0, RESET },
	  { 0 },
	  WORD_SSH_RESET,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  0,
	  "",
	  "",
	  ECONNRESET },
	{ "full",
	  { BYTES("Exceeded MaxStartups\r\n"), FIN },
	  { 0 },
	  WORD_SSH_TEXT_CLOSED,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  1,
	  "Exceeded MaxStartups",
	  "",
	  0 },
	{ "full, reset",
	  { BYTES("Not allowed at this time\r\n"), RESET },
	  { 0 },
	  WORD_SSH_TEXT_RESET,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  1,
	  "Not allowed at this time",
	  "",
	  ECONNRESET },
	{ "a word, closed",
	  { BYTES("go"), FIN },
	  { 0 },
	  WORD_SSH_TEXT_CLOSED,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  0,
	  "go",
	  "",
	  0 },
	{ "begins to identify, closed",
	  { BYTES("SSH-2.0-Op"), FIN },
	  { 0 },
	  WORD_SSH_TEXT_CLOSED,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  0,
	  "SSH-2.0-Op",
	  "",
	  0 },
	{ "another protocol",
	  { BYTES("220 mail ESMTP\r\n"), STAY },
	  { 0 },
	  WORD_SSH_NOT_SSH,
	  HANDSHAKE_STAGE_CONNECTED,
	  false,
	  0,
	  "220 mail ESMTP",
	  "",
	  0 },

	{ "silent", { 0 }, { 0 }, WORD_SSH_SILENT, HANDSHAKE_STAGE_CONNECTED, true, 0, "", "", 0 },
	{ "silent, then closed",
	  { 0 },
	  { "", 0, FIN },
	  WORD_SSH_CLOSED,
	  HANDSHAKE_STAGE_CONNECTED,
	  true,
	  0,
	  "",
	  "",
	  0 },
	{ "silent, then reset",
	  { 0 },
	  { "", 0, RESET },
	  WORD_SSH_RESET,
	  HANDSHAKE_STAGE_CONNECTED,
	  true,
	  0,
	  "",
	  "",
	  ECONNRESET },
	{ "a web server",
	  { 0 },
	  { BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), FIN },
	  WORD_SSH_NOT_SSH,
	  HANDSHAKE_STAGE_CONNECTED,
	  true,
	  0,
	  "HTTP/1.1 400 Bad Request",
	  "",
	  0 },
	{ "lines without end",
	  { BYTES("x\r\ny\r\n"), STAY },
	  { BYTES("z\r\n"), STAY },
	  WORD_SSH_DRIP,
	  HANDSHAKE_STAGE_CONNECTED,
	  true,
	  3,
	  "x",
	  "",
	  0 },
	{ "identifies half",
	  { BYTES("SSH-2.0-Op"), STAY },
	  { 0 },
	  WORD_SSH_DRIP,
	  HANDSHAKE_STAGE_CONNECTED,
	  true,
	  0,
	  "SSH-2.0-Op",
	  "",
	  0 },
	{ "identifies in halves",
	  { BYTES("SSH-2.0-Op"), STAY },
	  { BYTES("en\r\n"), FIN },
	  WORD_SSH_IDENT_CLOSED,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-Open",
	  0 },
	{ "a word, then a line, then identifies",
	  { BYTES("wel"), STAY },
	  { BYTES("come\r\nSSH-2.0-x\r\n"), FIN },
	  WORD_SSH_IDENT_CLOSED,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  1,
	  "welcome",
	  "SSH-2.0-x",
	  0 },
	{ "SSH- inside a line",
	  { BYTES("wel"), STAY },
	  { BYTES("SSH-come\r\nSSH-2.0-x\r\n"), STAY },
	  WORD_SSH_IDENT_SILENT,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  1,
	  "welSSH-come",
	  "SSH-2.0-x",
	  0 },
	{ "identifies half, reset",
	  { BYTES("SSH-2.0-Op"), STAY },
	  { "", 0, RESET },
	  WORD_SSH_TEXT_RESET,
	  HANDSHAKE_STAGE_CONNECTED,
	  true,
	  0,
	  "SSH-2.0-Op",
	  "",
	  ECONNRESET },
	{ "waits to be spoken to",
	  { 0 },
	  { BYTES("SSH-2.0-x\r\n"), STAY },
	  WORD_SSH_IDENT_SILENT,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  0 },

	{ "identified, then silent",
	  { BYTES("SSH-2.0-x\r\n"), STAY },
	  { 0 },
	  WORD_SSH_IDENT_SILENT,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  0 },
	{ "identified and closed",
	  { BYTES("SSH-2.0-x\r\n"), FIN },
	  { 0 },
	  WORD_SSH_IDENT_CLOSED,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  0 },
	{ "identified, then reset",
	  { BYTES("SSH-2.0-x\r\n"), STAY },
	  { "", 0, RESET },
	  WORD_SSH_IDENT_RESET,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  ECONNRESET },
	{ "identified and reset",
	  { BYTES("SSH-2.0-x\r\n"), RESET },
	  { 0 },
	  WORD_SSH_IDENT_RESET,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  false,
	  0,
	  "",
	  "SSH-2.0-x",
	  ECONNRESET },
	{ "version 1",
	  { BYTES("SSH-1.5-old\n"), STAY },
	  { 0 },
	  WORD_SSH_NO_COMMON,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  false,
	  0,
	  "",
	  "SSH-1.5-old",
	  0 },
	{ "identified, then junk",
	  { BYTES("SSH-2.0-x\r\n\xff\xff\xff\xffjunkjunkjunk"), STAY },
	  { 0 },
	  WORD_SSH_KEX_FAILED,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  0 },
	{ "complains",
	  { BYTES("SSH-2.0-x\r\n"), STAY },
	  { BYTES("Invalid SSH identification string.\r\n"), FIN },
	  WORD_SSH_KEX_FAILED,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  0 },
	{ "takes leave",
	  { BYTES("SSH-2.0-x\r\n"), STAY },
	  { BYTES("\0\0\0\x1c\x05\1\0\0\0\x0c\0\0\0\x09too many.\0\0\0\0 pads"), FIN },
	  WORD_SSH_DISCONNECTED,
	  HANDSHAKE_STAGE_IDENTIFIED,
	  true,
	  0,
	  "",
	  "SSH-2.0-x",
	  0 },
};

/* The next descriptor that the process would get: none may be lost or closed twice. */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(fd);
	return fd;
}

static void play(const struct scene *scene)
{
	int next = next_descriptor();
	struct link link = connect_link();
	struct handshake_options options = { .user = "somebody" };
	struct error error = { 0 };
	struct handshake *handshake = handshake_new(link.client, &options, &error);
	assert_non_null(handshake);
	assert_true(handshake_deadline(handshake) <= 5);

	perform(&link, &scene->before);
	settle(handshake, &link, 5);
	if (handshake_state(handshake) != HANDSHAKE_DONE) {
		if (handshake_state(handshake) == HANDSHAKE_LISTENING) {
			assert_false(hears_client(&link));
			assert_int_equal(handshake_deadline(handshake), 5 + 400 * MILLISECOND);
			handshake_step(handshake, 5 + 400 * MILLISECOND - 1);
			assert_false(hears_client(&link));
		}
		settle(handshake, &link, 5 + 400 * MILLISECOND);
		assert_true(hears_client(&link));
		assert_int_equal(handshake_deadline(handshake), 5 + 10000 * MILLISECOND);
		assert_true(fcntl(link.client, F_GETFL) & O_NONBLOCK);
		perform(&link, &scene->after);
		settle(handshake, &link, 5 + 10000 * MILLISECOND - 1);
		handshake_step(handshake, 5 + 10000 * MILLISECOND);
	}
	assert_int_equal(handshake_state(handshake), HANDSHAKE_DONE);
	const struct handshake_result *result = handshake_result(handshake);
	assert_string_equal(event_word_name(result->end), event_word_name(scene->end));
	assert_int_equal(result->stage, scene->stage);
	assert_int_equal(result->spoke, scene->spoke);
	assert_int_equal(result->lines, scene->lines);
	assert_string_equal(result->first_line, scene->first_line);
	assert_string_equal(result->banner, scene->banner);
	assert_int_equal(result->error, scene->error);
	if (scene->end == WORD_SSH_DISCONNECTED)
		assert_string_equal(result->message, "too many.");
	assert_int_equal(handshake_deadline(handshake), INT64_MAX);
	handshake_free(handshake);
	assert_int_equal(close(link.client), 0); /* it stayed ours, and open */
	if (link.server >= 0)
		close(link.server);
	assert_int_equal(next_descriptor(), next);
}

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		print_message("  %s\n", scenes[i].name);
		play(&scenes[i]);
	}
}

/* One act of a server, then the result, which the caller frees with the handshake. */
static struct handshake *after_act(const char *bytes, size_t length, enum leave leave)
{
	struct link link = connect_link();
	struct handshake_options options = { .listen_ms = 50, .timeout_ms = 900 };
	struct error error = { 0 };
	struct handshake *handshake = handshake_new(link.client, &options, &error);
	assert_non_null(handshake);
	perform(&link, &(struct act){ bytes, length, leave });
	settle(handshake, &link, 0);
	handshake_step(handshake, 900 * MILLISECOND);
	assert_int_equal(handshake_state(handshake), HANDSHAKE_DONE);
	close(link.client);
	if (link.server >= 0)
		close(link.server);
	return handshake;
}

/* Lines longer than libssh bears (255), not longer than OpenSSH does. */
static void test_long_line(void **state)
{
	(void)state;
	char bytes[9000];
	memset(bytes, 'l', sizeof(bytes));
	memcpy(bytes + 8000, "\r\nSSH-2.0-x\r\n", 13);
	struct handshake *handshake = after_act(bytes, 8013, FIN);
	assert_int_equal(handshake_result(handshake)->end, WORD_SSH_IDENT_CLOSED);
	assert_int_equal(handshake_result(handshake)->lines, 1);
	assert_string_equal(handshake_result(handshake)->banner, "SSH-2.0-x");
	handshake_free(handshake);

	memset(bytes, 'l', sizeof(bytes));
	handshake = after_act(bytes, 8193, STAY);
	assert_int_equal(handshake_result(handshake)->end, WORD_SSH_NOT_SSH);
	handshake_free(handshake);
}

static void test_flood(void **state)
{
	(void)state;
	char *bytes = malloc(100000);
	for (size_t i = 0; i < 100000; i++)
		bytes[i] = i % 80 == 79 ? '\n' : 'f';
	struct handshake *handshake = after_act(bytes, 100000, STAY);
	assert_int_equal(handshake_result(handshake)->end, WORD_SSH_DRIP);
	assert_false(handshake_result(handshake)->spoke);
	handshake_free(handshake);
	free(bytes);
}

/* A recorded server's KEXINIT, and nothing more. */
static void test_key_exchange_stalls(void **state)
{
	(void)state;
	struct sample sample;
	sample_load(&sample, "dropbear-server.bin");
	static const struct {
		enum leave leave;
		enum event_word end;
	} ends[] = { { STAY, WORD_SSH_KEX_SILENT }, { FIN, WORD_SSH_KEX_CLOSED } };
	for (size_t i = 0; i < 2; i++) {
		struct handshake *handshake =
			after_act((char *)sample.bytes, 26 + 512, ends[i].leave);
		assert_int_equal(handshake_result(handshake)->end, ends[i].end);
		assert_int_equal(handshake_result(handshake)->stage, HANDSHAKE_STAGE_KEXINIT);
		assert_false(handshake_result(handshake)->signature_verified);
		handshake_free(handshake);
	}
}

/* The whole recording: the true host key's blob, and a signature over another
 * exchange. Whoever replays it does not hold the key. */
static void test_replayed_server(void **state)
{
	(void)state;
	struct sample sample;
	sample_load(&sample, "dropbear-server.bin");
	struct handshake *handshake = after_act((char *)sample.bytes, sample.length, STAY);
	assert_int_equal(handshake_result(handshake)->end, WORD_SSH_BAD_SIGNATURE);
	assert_false(handshake_result(handshake)->signature_verified);
	assert_string_equal(handshake_result(handshake)->fingerprint,
			    "SHA256:mFmnkfwTxrMsgr+28olspxTtKOOoRwi3xL+4jqP69w4");
	handshake_free(handshake);
}

static void put_string(uint8_t *out, size_t *length, const char *text)
{
	uint32_t size = htonl((uint32_t)strlen(text));
	memcpy(out + *length, &size, 4);
	memcpy(out + *length + 4, text, strlen(text));
	*length += 4 + strlen(text);
}

/* An identification string and a KEXINIT with these two lists. */
static size_t write_kexinit(uint8_t *out, const char *kex, const char *cipher)
{
	const char *const lists[] = { kex,    "ssh-ed25519",   cipher,
				      cipher, "hmac-sha2-256", "hmac-sha2-256",
				      "none", "none",	       "",
				      "" };
	size_t start = strlen("SSH-2.0-x\r\n"), length = start + 5;
	memcpy(out, "SSH-2.0-x\r\n", start);
	memset(out + length, 20, 1 + 16);
	length += 17;
	for (size_t i = 0; i < 10; i++)
		put_string(out, &length, lists[i]);
	memset(out + length, 0, 5);
	length += 5;
	uint8_t padding = 4;
	while ((length - start + padding) % 8 != 0)
		padding++;
	memset(out + length, 0, padding);
	length += padding;
	uint32_t size = htonl((uint32_t)(length - start - 4));
	memcpy(out + start, &size, 4);
	out[start + 4] = padding;
	return length;
}

static void test_no_common(void **state)
{
	(void)state;
	static const struct {
		const char *kex, *cipher;
		enum event_word end;
	} servers[] = {
		{ "curve25519-sha256", "aes128-ctr", WORD_SSH_KEX_SILENT },
		{ "diffie-hellman-group1-sha1", "aes128-ctr", WORD_SSH_NO_COMMON },
		{ "curve25519-sha256", "3des-cbc", WORD_SSH_NO_COMMON },
		{ "sntrup761x25519-sha512@openssh.com", "aes128-ctr", WORD_SSH_UNFOLLOWED },
		{ "mlkem768x25519-sha256", "aes128-ctr", WORD_SSH_UNFOLLOWED },
	};
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		uint8_t bytes[1024];
		size_t length = write_kexinit(bytes, servers[i].kex, servers[i].cipher);
		struct handshake *handshake = after_act((char *)bytes, length, STAY);
		const struct handshake_result *result = handshake_result(handshake);
		print_message("  %s: %s\n", servers[i].kex, result->message);
		assert_int_equal(result->end, servers[i].end);
		assert_int_equal(result->stage, HANDSHAKE_STAGE_KEXINIT);
		assert_string_equal(result->kex, servers[i].end == WORD_SSH_UNFOLLOWED || i == 1
							 ? ""
							 : "curve25519-sha256");
		handshake_free(handshake);
	}
}

/* Freed at any moment: no descriptor is lost, the caller's stays. */
static void test_free_at_any_time(void **state)
{
	(void)state;
	int next = next_descriptor();
	for (int moment = 0; moment < 4; moment++) {
		struct link link = connect_link();
		struct handshake_options options = { .listen_ms = 50 };
		struct error error = { 0 };
		struct handshake *handshake = handshake_new(link.client, &options, &error);
		assert_non_null(handshake);
		if (moment == 2)
			perform(&link, &(struct act){ BYTES("SSH-2.0-x\r\n"), STAY });
		if (moment >= 1)
			settle(handshake, &link, 0);
		if (moment == 3)
			settle(handshake, &link, 50 * MILLISECOND);
		handshake_free(handshake);
		assert_int_equal(close(link.client), 0);
		close(link.server);
		assert_int_equal(next_descriptor(), next);
	}
	handshake_free(NULL);
}

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
		struct handshake_options options = { .host_keys = keys[i].asked };
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
	const char *keys[] = { "no key", key_text(real, "stranger", stranger),
			       key_text(real, "user", user) };
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

	/* The first attempt is one too many. */
	options.key_count = 2;
	handshake = talk_to_sshd(real, "MaxAuthTries=1", &options);
	assert_string_equal(event_word_name(handshake_result(handshake)->end),
			    "authentication-refused");
	assert_non_null(strstr(handshake_result(handshake)->message, "Too many authentication"));
	handshake_free(handshake);
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
	const char *keys[] = { key_text(real, "stranger", stranger) };
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
	const struct CMUnitTest played[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_key_exchange_stalls),
		cmocka_unit_test(test_replayed_server),
		cmocka_unit_test(test_no_common),
		cmocka_unit_test(test_free_at_any_time),
	};
	const struct CMUnitTest real[] = {
		cmocka_unit_test(test_sshd),
		cmocka_unit_test(test_sshd_host_keys),
		cmocka_unit_test(test_sshd_algorithms),
		cmocka_unit_test(test_sshd_refuses),
		cmocka_unit_test(test_sshd_key),
		cmocka_unit_test(test_no_file_is_written),
		cmocka_unit_test(test_dropbear),
	};
	int failed = cmocka_run_group_tests(played, NULL, NULL);
	return failed + cmocka_run_group_tests(real, set_up_real, tear_down_real);
}
