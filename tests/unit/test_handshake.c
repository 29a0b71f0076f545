/* The handshake with played servers, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handshake/handshake.h"
#include "loopback.h"
#include "ssh_samples.h"
#include "sshwhy/patience.h"

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
	assert_int_equal(result->reason, scene->end == WORD_SSH_DISCONNECTED ? 12 : 0);
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

/* SSH_MSG_IGNORE, as often as there is room for, until the handshake has ended; how many bytes. */
static size_t flood(struct handshake *handshake, struct link *link)
{
	uint8_t ignore[4096] = { 0, 0, 4092 >> 8, 4092 & 255, 4, 2, 0, 0, 4082 >> 8, 4082 & 255 };
	size_t sent = 0, at = 0;
	while (handshake_step(handshake, 0) != HANDSHAKE_DONE && sent < 2 * SPEECH_BYTES) {
		ssize_t put = send(link->server, ignore + at, sizeof(ignore) - at,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put > 0) {
			sent += (size_t)put;
			at = (at + (size_t)put) % sizeof(ignore);
		}
	}
	return sent;
}

/* A server that goes on and on is left by what it says, not after all the time there is. */
static void test_endless_packets(void **state)
{
	(void)state;
	struct link link = connect_link();
	struct error error = { 0 };
	struct handshake *handshake =
		handshake_new(link.client, &(struct handshake_options){ 0 }, &error);
	assert_non_null(handshake);
	perform(&link, &(struct act){ BYTES("SSH-2.0-x\r\n"), STAY });
	size_t said = flood(handshake, &link);
	assert_true(said >= SPEECH_BYTES && said < 2 * SPEECH_BYTES);
	assert_int_equal(handshake_result(handshake)->end, WORD_SSH_ENDLESS);
	assert_int_equal(handshake_result(handshake)->stage, HANDSHAKE_STAGE_IDENTIFIED);
	handshake_free(handshake);
	close(link.client);
	close(link.server);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_endless_packets),
		cmocka_unit_test(test_key_exchange_stalls),
		cmocka_unit_test(test_replayed_server),
		cmocka_unit_test(test_no_common),
		cmocka_unit_test(test_free_at_any_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
