#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ssh_samples.h"
#include "sshwhy/fingerprint.h"
#include "sshwhy/ssh.h"

/* Both directions of one connection. */
struct talk {
	struct stream stream[2];
	struct ssh_dialog dialog;
};

static struct talk *new_talk(void)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	assert_non_null(talk);
	stream_start(&talk->stream[SSH_CLIENT], 0xffffffc0);
	stream_start(&talk->stream[SSH_SERVER], 7);
	return talk;
}

/* The next bytes of one side. */
static bool say(struct talk *talk, enum ssh_peer peer, const void *bytes, size_t length)
{
	struct stream *stream = &talk->stream[peer];
	stream_segment(stream, stream->first + stream->length, bytes, (uint32_t)length,
		       (uint32_t)length);
	return ssh_dialog_read(&talk->dialog, peer, stream);
}

static const struct ssh_side *server(const struct talk *talk)
{
	return &talk->dialog.side[SSH_SERVER];
}

static const struct ssh_side *client(const struct talk *talk)
{
	return &talk->dialog.side[SSH_CLIENT];
}

static bool same_side(const struct ssh_side *a, const struct ssh_side *b)
{
	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		if (strcmp(a->list[list], b->list[list]) != 0)
			return false;
	}
	return a->milestone == b->milestone && a->not_ssh == b->not_ssh &&
	       a->malformed == b->malformed && a->cut == b->cut && a->lines == b->lines &&
	       strcmp(a->first_line, b->first_line) == 0 && strcmp(a->ident, b->ident) == 0 &&
	       a->list_cut == b->list_cut && a->guess_follows == b->guess_follows &&
	       a->host_key_length == b->host_key_length &&
	       memcmp(a->host_key, b->host_key, a->host_key_length) == 0 &&
	       a->disconnected == b->disconnected && a->disconnect_reason == b->disconnect_reason &&
	       strcmp(a->disconnect_text, b->disconnect_text) == 0 && a->consumed == b->consumed;
}

/* -- recorded connections ----------------------------------------------------- */

static const struct recording {
	const char *client, *server;
	const char *client_ident, *server_ident;
	const char *kex, *host_key, *cipher, *mac, *compression;
	const char *fingerprint;
	size_t server_end; /* where NEWKEYS ends */
} recordings[] = {
	{ "openssh-client.bin", "openssh-server.bin", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10",
	  "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", "sntrup761x25519-sha512", "ssh-ed25519",
	  "chacha20-poly1305@openssh.com", "", "none",
	  "SHA256:V0M721ZT/5WFYmTtGmzGcEctkbuQRZMJiGmY/Nw4WTA", 2425 },
	{ "gex-client.bin", "gex-server.bin", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10",
	  "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", "diffie-hellman-group-exchange-sha256",
	  "rsa-sha2-512", "chacha20-poly1305@openssh.com", "", "none",
	  "SHA256:HPBf9tBhSBU1GT8yO3Lj85XiHVvYqtBMJgIGzmqpIV0", 4105 },
	{ "dropbear-client.bin", "dropbear-server.bin", "SSH-2.0-dropbear_2022.83",
	  "SSH-2.0-dropbear_2022.83", "curve25519-sha256", "ssh-ed25519",
	  "chacha20-poly1305@openssh.com", "", "zlib@openssh.com",
	  "SHA256:mFmnkfwTxrMsgr+28olspxTtKOOoRwi3xL+4jqP69w4", 746 },
};
enum { RECORDINGS = sizeof(recordings) / sizeof(recordings[0]) };

static void assert_agreed(const struct talk *talk, enum ssh_list list, const char *expected)
{
	char name[128];
	assert_true(ssh_negotiate(&talk->dialog, list, name));
	assert_string_equal(name, expected);
}

static void assert_recording(const struct talk *talk, const struct recording *recording)
{
	char text[64];
	assert_string_equal(client(talk)->ident, recording->client_ident);
	assert_string_equal(server(talk)->ident, recording->server_ident);
	assert_int_equal(client(talk)->milestone, SSH_NEWKEYS);
	assert_int_equal(server(talk)->milestone, SSH_NEWKEYS);
	assert_int_equal(server(talk)->consumed, recording->server_end);
	assert_string_equal(server(talk)->first_line, "");
	assert_false(server(talk)->malformed || client(talk)->malformed);
	assert_false(server(talk)->not_ssh || client(talk)->not_ssh);
	assert_agreed(talk, SSH_LIST_KEX, recording->kex);
	assert_agreed(talk, SSH_LIST_HOST_KEY, recording->host_key);
	assert_agreed(talk, SSH_LIST_CIPHER_C2S, recording->cipher);
	assert_agreed(talk, SSH_LIST_CIPHER_S2C, recording->cipher);
	assert_agreed(talk, SSH_LIST_MAC_C2S, recording->mac);
	assert_agreed(talk, SSH_LIST_MAC_S2C, recording->mac);
	assert_agreed(talk, SSH_LIST_COMPRESSION_C2S, recording->compression);
	assert_agreed(talk, SSH_LIST_LANGUAGE_S2C, "");
	assert_string_equal(
		fingerprint_sha256(server(talk)->host_key, server(talk)->host_key_length, text),
		recording->fingerprint);
	assert_true(
		fingerprint_key_type(server(talk)->host_key, server(talk)->host_key_length, text));
	assert_string_equal(text, strncmp(recording->host_key, "rsa", 3) == 0
					  ? "ssh-rsa"
					  : recording->host_key);
}

static void load(const struct recording *recording, struct sample sample[2])
{
	sample_load(&sample[SSH_CLIENT], recording->client);
	sample_load(&sample[SSH_SERVER], recording->server);
}

static void test_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct sample sample[2];
		load(&recordings[i], sample);
		struct talk *talk = new_talk();
		assert_true(
			say(talk, SSH_CLIENT, sample[SSH_CLIENT].bytes, sample[SSH_CLIENT].length));
		assert_true(
			say(talk, SSH_SERVER, sample[SSH_SERVER].bytes, sample[SSH_SERVER].length));
		assert_recording(talk, &recordings[i]);
		assert_false(say(talk, SSH_SERVER, "more", 4));
		free(talk);
	}
}

/* The server first: what message 31 is must be seen from the message itself. */
static void test_server_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct sample sample[2];
		load(&recordings[i], sample);
		struct talk *talk = new_talk();
		say(talk, SSH_SERVER, sample[SSH_SERVER].bytes, sample[SSH_SERVER].length);
		say(talk, SSH_CLIENT, sample[SSH_CLIENT].bytes, sample[SSH_CLIENT].length);
		assert_recording(talk, &recordings[i]);
		free(talk);
	}
}

/* Every length of one side, the other side whole: fed byte by byte and at once it
 * must come out the same, and what lies behind the end must not matter. */
static void cut_everywhere(const struct sample sample[2], enum ssh_peer peer)
{
	struct talk *bytewise = new_talk(), *fresh = malloc(sizeof(*fresh));
	enum ssh_peer other = peer == SSH_CLIENT ? SSH_SERVER : SSH_CLIENT;
	say(bytewise, other, sample[other].bytes, sample[other].length);
	struct talk *start = malloc(sizeof(*start));
	*start = *bytewise;
	memset(start->stream[peer].bytes, 'S', SSH_STREAM_MAX);

	enum ssh_milestone last = SSH_SILENT;
	for (size_t length = 1; length <= sample[peer].length; length++) {
		bool changed = say(bytewise, peer, &sample[peer].bytes[length - 1], 1);
		const struct ssh_side *side = &bytewise->dialog.side[peer];
		*fresh = *start;
		say(fresh, peer, sample[peer].bytes, length);
		assert_true(same_side(side, &fresh->dialog.side[peer]));
		assert_true(side->milestone >= last);
		assert_true(changed || side->milestone == last);
		assert_false(side->malformed || side->not_ssh || side->cut);
		assert_true(side->consumed <= length);
		last = side->milestone;
	}
	assert_int_equal(last, SSH_NEWKEYS);
	free(bytewise);
	free(start);
	free(fresh);
}

static void test_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct sample sample[2];
		load(&recordings[i], sample);
		cut_everywhere(sample, SSH_CLIENT);
		cut_everywhere(sample, SSH_SERVER);
	}
}

/* The capture holds only the first bytes: the side says so, and only while it
 * would still need the rest. */
static void test_capture_cut(void **state)
{
	(void)state;
	struct sample sample[2];
	load(&recordings[0], sample);
	const struct sample *from = &sample[SSH_SERVER];
	for (uint32_t kept = 0; kept < from->length; kept += 7) {
		struct talk *talk = new_talk();
		struct stream *stream = &talk->stream[SSH_SERVER];
		stream_segment(stream, stream->first, from->bytes, kept, (uint32_t)from->length);
		assert_true(stream->cut);
		assert_int_equal(ssh_dialog_read(&talk->dialog, SSH_SERVER, stream), true);
		assert_int_equal(server(talk)->cut, server(talk)->milestone < SSH_NEWKEYS);
		/* It was sent again, and this time captured whole. */
		stream_segment(stream, stream->first, from->bytes, (uint32_t)from->length,
			       (uint32_t)from->length);
		ssh_dialog_read(&talk->dialog, SSH_SERVER, stream);
		assert_false(server(talk)->cut);
		assert_int_equal(server(talk)->milestone, SSH_NEWKEYS);
		free(talk);
	}
}

/* -- before the identification string ------------------------------------------ */

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	enum ssh_peer peer;
	const char *bytes;
	size_t length;
	enum ssh_milestone milestone;
	bool not_ssh;
	unsigned lines;
	const char *first_line, *ident;
} openings[] = {
	{ "ident", SSH_SERVER, BYTES("SSH-2.0-x\r\n"), SSH_IDENTIFIED, false, 0, "", "SSH-2.0-x" },
	{ "line feed only", SSH_SERVER, BYTES("SSH-2.0-x y\n"), SSH_IDENTIFIED, false, 0, "",
	  "SSH-2.0-x y" },
	{ "no software", SSH_CLIENT, BYTES("SSH-2.0-\r\n"), SSH_IDENTIFIED, false, 0, "",
	  "SSH-2.0-" },
	{ "1.99", SSH_SERVER, BYTES("SSH-1.99-Cisco-1.25\r\n"), SSH_IDENTIFIED, false, 0, "",
	  "SSH-1.99-Cisco-1.25" },
	{ "version 1", SSH_SERVER, BYTES("SSH-1.5-old\n\0\0\0\1"), SSH_IDENTIFIED, false, 0, "",
	  "SSH-1.5-old" },
	{ "begun", SSH_SERVER, BYTES("SS"), SSH_TALKING, false, 0, "SS", "" },
	{ "not ended", SSH_SERVER, BYTES("SSH-2.0-OpenSSH"), SSH_TALKING, false, 0,
	  "SSH-2.0-OpenSSH", "" },
	{ "no version", SSH_SERVER, BYTES("SSH-two\r\n"), SSH_TALKING, true, 0, "SSH-two", "" },
	{ "no minor version", SSH_SERVER, BYTES("SSH-2-x\r\n"), SSH_TALKING, true, 0, "SSH-2-x",
	  "" },
	{ "lower case", SSH_CLIENT, BYTES("ssh-2.0-x\r\n"), SSH_TALKING, true, 0, "ssh-2.0-x", "" },
	{ "NUL in it", SSH_SERVER, BYTES("SSH-2.0-x\0y\r\n"), SSH_TALKING, true, 0, "SSH-2.0-x",
	  "" },

	{ "lines before", SSH_SERVER, BYTES("Welcome\r\n\x1b[1mall\tof you\r\nSSH-2.0-x\r\n"),
	  SSH_IDENTIFIED, false, 2, "Welcome", "SSH-2.0-x" },
	{ "empty line before", SSH_SERVER, BYTES("\r\nSSH-2.0-x\r\n"), SSH_IDENTIFIED, false, 1, "",
	  "SSH-2.0-x" },
	{ "full", SSH_SERVER, BYTES("Exceeded MaxStartups\r\n"), SSH_TALKING, false, 1,
	  "Exceeded MaxStartups", "" },
	{ "penalty", SSH_SERVER, BYTES("Not allowed at this time\r\n"), SSH_TALKING, false, 1,
	  "Not allowed at this time", "" },
	{ "no line end", SSH_SERVER, BYTES("go away"), SSH_TALKING, false, 0, "go away", "" },
	{ "UTF-8", SSH_SERVER, BYTES("\xe3\x82\x88\xe3\x81\x86\r\n"), SSH_TALKING, false, 1,
	  "\xe3\x82\x88\xe3\x81\x86", "" },
	{ "digits", SSH_SERVER, BYTES("2200 users\r\n"), SSH_TALKING, false, 1, "2200 users", "" },
	{ "binary in a later line", SSH_SERVER, BYTES("a\r\n\x01\r\n"), SSH_TALKING, false, 2, "a",
	  "" },
	{ "NUL in a later line", SSH_SERVER, BYTES("a\r\nb\0\r\n"), SSH_TALKING, true, 1, "a", "" },
	{ "lines from a client", SSH_CLIENT, BYTES("Welcome\r\nSSH-2.0-x\r\n"), SSH_TALKING, true,
	  0, "Welcome", "" },

	{ "web", SSH_SERVER, BYTES("HTTP/1.1 400 Bad Request\r\nServer: x\r\n"), SSH_TALKING, true,
	  0, "HTTP/1.1 400 Bad Request", "" },
	{ "web, begun", SSH_SERVER, BYTES("HTTP"), SSH_TALKING, false, 0, "HTTP", "" },
	{ "web 0.9", SSH_SERVER, BYTES("<HTML>\r\n"), SSH_TALKING, true, 0, "<HTML>", "" },
	{ "web, asked", SSH_CLIENT, BYTES("GET / HTTP/1.0\r\n"), SSH_TALKING, true, 0,
	  "GET / HTTP/1.0", "" },
	{ "TLS alert", SSH_SERVER, BYTES("\x15\x03\x01\0\x02\x02\x46"), SSH_TALKING, true, 0,
	  "\x15\x03\x01", "" },
	{ "TLS hello", SSH_CLIENT, BYTES("\x16\x03\x01\x02\0\x01"), SSH_TALKING, true, 0,
	  "\x16\x03\x01\x02", "" },
	{ "mail", SSH_SERVER, BYTES("220 mail ESMTP\r\n"), SSH_TALKING, true, 0, "220 mail ESMTP",
	  "" },
	{ "FTP", SSH_SERVER, BYTES("220-ftp\r\n220 ok\r\n"), SSH_TALKING, true, 0, "220-ftp", "" },
	{ "FTP refuses", SSH_SERVER, BYTES("421 too many\r\n"), SSH_TALKING, true, 0,
	  "421 too many", "" },
	{ "POP3", SSH_SERVER, BYTES("+OK ready\r\n"), SSH_TALKING, true, 0, "+OK ready", "" },
	{ "IMAP", SSH_SERVER, BYTES("* OK ready\r\n"), SSH_TALKING, true, 0, "* OK ready", "" },
	{ "VNC", SSH_SERVER, BYTES("RFB 003.008\n"), SSH_TALKING, true, 0, "RFB 003.008", "" },
	{ "Redis", SSH_SERVER, BYTES("-ERR unknown command\r\n"), SSH_TALKING, true, 0,
	  "-ERR unknown command", "" },
	{ "telnet", SSH_SERVER, BYTES("\xff\xfd\x18\xff\xfd\x20"), SSH_TALKING, true, 0,
	  "\xff\xfd\x18\xff\xfd\x20", "" },
	{ "MySQL", SSH_SERVER,
	  BYTES("J\0\0\0\x0a"
		"8.0.36\0"),
	  SSH_TALKING, true, 0, "J", "" },
	{ "junk", SSH_SERVER, BYTES("\x03\xa9\x8f"), SSH_TALKING, true, 0, "\x03\xa9\x8f", "" },
	{ "nothing", SSH_SERVER, BYTES(""), SSH_SILENT, false, 0, "", "" },
};

static void test_openings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		print_message("  %s\n", openings[i].name);
		struct talk *talk = new_talk(), *bytewise = new_talk();
		const struct ssh_side *side = &talk->dialog.side[openings[i].peer];
		say(talk, openings[i].peer, openings[i].bytes, openings[i].length);
		for (size_t k = 0; k < openings[i].length; k++)
			say(bytewise, openings[i].peer, &openings[i].bytes[k], 1);
		assert_int_equal(side->milestone, openings[i].milestone);
		assert_int_equal(side->not_ssh, openings[i].not_ssh);
		assert_int_equal(side->lines, openings[i].lines);
		assert_string_equal(side->first_line, openings[i].first_line);
		assert_string_equal(side->ident, openings[i].ident);
		assert_false(side->malformed || side->cut || side->disconnected);
		assert_true(same_side(side, &bytewise->dialog.side[openings[i].peer]));
		free(talk);
		free(bytewise);
	}
}

/* `length` bytes of `fill`, then `end`. */
static struct talk *long_line(const char *start, char fill, size_t length, const char *end)
{
	char line[9000];
	size_t used = strlen(start);
	assert_true(length + strlen(end) < sizeof(line));
	memset(line, fill, sizeof(line));
	memcpy(line, start, used);
	memcpy(line + length, end, strlen(end));
	struct talk *talk = new_talk();
	say(talk, SSH_SERVER, line, length + strlen(end));
	return talk;
}

static void test_line_limits(void **state)
{
	(void)state;
	for (size_t length = 8190; length <= 8194; length++) {
		struct talk *talk = long_line("", 'a', length, "");
		assert_int_equal(server(talk)->not_ssh, length > 8192);
		assert_int_equal(strlen(server(talk)->first_line), 255);
		free(talk);
		talk = long_line("SSH-2.0-", 'a', length, "\n");
		assert_int_equal(server(talk)->not_ssh, length + 1 > 8192);
		assert_int_equal(server(talk)->milestone == SSH_IDENTIFIED, length + 1 <= 8192);
		free(talk);
	}
	for (size_t length = 252; length <= 256; length++) {
		struct talk *talk = long_line("SSH-2.0-", 'a', length, "\r\n");
		assert_int_equal(server(talk)->milestone, SSH_IDENTIFIED);
		assert_int_equal(strlen(server(talk)->ident), length < 255 ? length : 255);
		free(talk);
	}
	for (unsigned lines = 1023; lines <= 1025; lines++) {
		struct talk *talk = new_talk();
		for (unsigned i = 0; i < lines; i++)
			say(talk, SSH_SERVER, "abc\n", 4);
		say(talk, SSH_SERVER, "SSH-2.0-x\n", 10);
		assert_int_equal(server(talk)->not_ssh, lines > 1024);
		assert_int_equal(server(talk)->milestone == SSH_IDENTIFIED, lines <= 1024);
		free(talk);
	}
}

/* A tarpit: lines without end, none of them long. */
static void test_endless_lines(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	char line[100];
	memset(line, 'x', sizeof(line));
	line[99] = '\n';
	for (unsigned i = 0; i < 1000; i++)
		say(talk, SSH_SERVER, line, sizeof(line));
	assert_int_equal(server(talk)->milestone, SSH_TALKING);
	assert_int_equal(server(talk)->lines, SSH_STREAM_MAX / sizeof(line));
	assert_false(server(talk)->not_ssh);
	assert_true(server(talk)->cut);
	free(talk);
}

/* -- binary packets ------------------------------------------------------------ */

struct bytes {
	size_t length;
	uint8_t at[40000];
};

static void put(struct bytes *out, const void *bytes, size_t length)
{
	assert_true(out->length + length <= sizeof(out->at));
	memcpy(&out->at[out->length], bytes, length);
	out->length += length;
}

static void put_u8(struct bytes *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	put(out, &byte, 1);
}

static void put_u32(struct bytes *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_u8(out, value >> shift & 0xff);
}

static void put_string(struct bytes *out, const char *text)
{
	put_u32(out, (uint32_t)strlen(text));
	put(out, text, strlen(text));
}

/* RFC 4253 6 around a payload. */
static void put_packet(struct bytes *out, const struct bytes *payload)
{
	unsigned padding = 4;
	while ((4 + 1 + payload->length + padding) % 8 != 0 || 5 + payload->length + padding < 16)
		padding++;
	put_u32(out, (uint32_t)(1 + payload->length + padding));
	put_u8(out, padding);
	put(out, payload->at, payload->length);
	for (unsigned i = 0; i < padding; i++)
		put_u8(out, 0xa5);
}

static void put_kexinit_payload(struct bytes *out, const char *const lists[SSH_LISTS])
{
	put_u8(out, 20);
	put(out, "0123456789abcdef", 16);
	for (enum ssh_list list = 0; list < SSH_LISTS; list++)
		put_string(out, lists[list]);
	put_u8(out, 0);
	put_u32(out, 0);
}

static const char *const plain_lists[SSH_LISTS] = {
	"curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
	"hmac-sha2-256",     "none",	    "none",	  "",		""
};

static struct bytes *new_bytes(const char *start)
{
	struct bytes *out = calloc(1, sizeof(*out));
	assert_non_null(out);
	put(out, start, strlen(start));
	return out;
}

static void say_bytes(struct talk *talk, enum ssh_peer peer, struct bytes *bytes)
{
	say(talk, peer, bytes->at, bytes->length);
	free(bytes);
}

/* An identification string and a KEXINIT with `lists`. */
static void say_kexinit(struct talk *talk, enum ssh_peer peer, const char *const lists[SSH_LISTS])
{
	struct bytes *payload = new_bytes(""), *out = new_bytes("SSH-2.0-x\r\n");
	put_kexinit_payload(payload, lists);
	put_packet(out, payload);
	free(payload);
	say_bytes(talk, peer, out);
}

/* A packet whose payload is `message` and these bytes. */
static void say_message(struct talk *talk, enum ssh_peer peer, unsigned message, const void *bytes,
			size_t length)
{
	struct bytes *payload = new_bytes(""), *out = new_bytes("");
	put_u8(payload, message);
	put(payload, bytes, length);
	put_packet(out, payload);
	free(payload);
	say_bytes(talk, peer, out);
}

#define HOST_KEY "\0\0\0\x13\0\0\0\x0bssh-ed25519\0\0\0\0"

/* `length` and `padding` as the packet claims, after an identification string. */
static const struct {
	const char *name;
	uint32_t length;
	unsigned padding;
	bool malformed;
} claims[] = {
	{ "0", 0, 4, true },
	{ "11", 11, 4, true },
	{ "12, the least", 12, 4, false },
	{ "13", 13, 4, true },
	{ "20", 20, 4, false },
	{ "34996, the most", 34996, 4, false },
	{ "35004", 35004, 4, true },
	{ "35000", 35000, 4, true },
	{ "all ones", UINT32_MAX, 4, true },
	{ "all ones but 3", UINT32_MAX - 3, 4, true },
	{ "sign bit", 0x80000004, 4, true },
	{ "text", 0x496e7661, 'l', true }, /* "Invalid SSH identification string." */
	{ "padding 0", 12, 0, true },
	{ "padding 3", 12, 3, true },
	{ "padding 10, payload of one", 12, 10, false },
	{ "padding 11, no payload", 12, 11, true },
	{ "padding 255", 12, 255, true },
};

static void test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		print_message("  packet_length %s\n", claims[i].name);
		struct bytes *out = new_bytes("SSH-2.0-x\r\n");
		put_u32(out, claims[i].length);
		put_u8(out, claims[i].padding);
		put_u8(out, 2); /* SSH_MSG_IGNORE */
		bool whole = claims[i].length >= 12 && claims[i].length <= 20;
		put(out, "                  ", whole ? claims[i].length - 2 : 18);
		struct talk *talk = new_talk();
		say_bytes(talk, SSH_SERVER, out);
		assert_int_equal(server(talk)->malformed, claims[i].malformed);
		assert_int_equal(server(talk)->milestone, SSH_IDENTIFIED);
		free(talk);
	}
}

/* A packet that is allowed, and too long to be looked at. */
static void test_packet_beyond_the_stream(void **state)
{
	(void)state;
	struct bytes *out = new_bytes("SSH-2.0-x\r\n");
	put_u32(out, 34988);
	put_u8(out, 4);
	while (out->length < 35000)
		put_u8(out, 20);
	struct talk *talk = new_talk();
	say_bytes(talk, SSH_SERVER, out);
	assert_false(server(talk)->malformed);
	assert_true(server(talk)->cut);
	free(talk);
}

static void test_endless_kexinit(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	say_kexinit(talk, SSH_SERVER, plain_lists);
	assert_int_equal(server(talk)->milestone, SSH_KEXINIT);
	struct bytes *payload = new_bytes(""), *out = new_bytes("");
	put_kexinit_payload(payload, plain_lists);
	put_packet(out, payload);
	free(payload);
	for (unsigned i = 0; i < 1000; i++)
		say(talk, SSH_SERVER, out->at, out->length);
	free(out);
	assert_int_equal(server(talk)->milestone, SSH_KEXINIT);
	assert_true(server(talk)->malformed);
	assert_false(server(talk)->cut);
	free(talk);
}

/* Each list's length claims one byte more than the packet has. */
static void test_list_lies(void **state)
{
	(void)state;
	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		struct bytes *payload = new_bytes("");
		put_u8(payload, 20);
		put(payload, "0123456789abcdef", 16);
		for (enum ssh_list k = 0; k < list; k++)
			put_string(payload, plain_lists[k]);
		put_u32(payload, 100);
		for (unsigned i = 0; i < 99; i++)
			put_u8(payload, 'a');
		struct talk *talk = new_talk();
		say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
		say_message(talk, SSH_SERVER, 20, payload->at + 1, payload->length - 1);
		assert_true(server(talk)->malformed);
		assert_int_equal(server(talk)->milestone, SSH_IDENTIFIED);
		free(talk);
		free(payload);
	}
}

/* KEXINIT ends before its flag, or inside its reserved field. */
static void test_kexinit_without_end(void **state)
{
	(void)state;
	for (size_t missing = 1; missing <= 5; missing++) {
		struct talk *talk = new_talk();
		struct bytes *payload = new_bytes("");
		put_kexinit_payload(payload, plain_lists);
		say(talk, SSH_SERVER, "SSH-1.99-x\r\n", 12);
		say_message(talk, SSH_SERVER, 20, payload->at + 1, payload->length - 1 - missing);
		assert_true(server(talk)->malformed);
		free(payload);
		free(talk);
	}
}

/* RFC 4253 5.1: 1.99 is 2.0. */
static void test_version_1_99(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	struct bytes *payload = new_bytes("");
	put_kexinit_payload(payload, plain_lists);
	say(talk, SSH_SERVER, "SSH-1.99-x\r\n", 12);
	say_message(talk, SSH_SERVER, 20, payload->at + 1, payload->length - 1);
	assert_int_equal(server(talk)->milestone, SSH_KEXINIT);
	free(payload);
	free(talk);
}

static void test_list_with_nul(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	struct bytes *payload = new_bytes("");
	put_kexinit_payload(payload, plain_lists);
	payload->at[1 + 16 + 4 + 3] = '\0';
	say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
	say_message(talk, SSH_SERVER, 20, payload->at + 1, payload->length - 1);
	assert_true(server(talk)->malformed);
	free(payload);
	free(talk);
}

static void test_long_list(void **state)
{
	(void)state;
	for (size_t length = SSH_NAME_LIST_MAX - 2; length <= SSH_NAME_LIST_MAX + 1; length++) {
		char list[SSH_NAME_LIST_MAX + 2];
		memset(list, 'n', length);
		for (size_t i = 9; i < length; i += 10)
			list[i] = ',';
		list[length] = '\0';
		const char *lists[SSH_LISTS];
		memcpy(lists, plain_lists, sizeof(lists));
		lists[SSH_LIST_HOST_KEY] = list;
		struct talk *talk = new_talk();
		say_kexinit(talk, SSH_SERVER, lists);
		assert_int_equal(server(talk)->milestone, SSH_KEXINIT);
		assert_int_equal(server(talk)->list_cut, length >= SSH_NAME_LIST_MAX);
		size_t kept = strlen(server(talk)->list[SSH_LIST_HOST_KEY]);
		assert_int_equal(kept, length < SSH_NAME_LIST_MAX ? length : 2039);
		assert_string_equal(server(talk)->list[SSH_LIST_CIPHER_C2S], "aes128-ctr");
		free(talk);
	}
}

static void test_guess(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	struct bytes *payload = new_bytes("");
	put_kexinit_payload(payload, plain_lists);
	payload->at[payload->length - 5] = 1;
	say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
	say_message(talk, SSH_SERVER, 20, payload->at + 1, payload->length - 1);
	assert_true(server(talk)->guess_follows);
	free(payload);
	free(talk);
}

static const struct {
	const char *name;
	const char *client, *server;
	const char *agreed; /* NULL: nothing */
} agreements[] = {
	{ "equal", "a", "a", "a" },
	{ "the client's order", "a,b,c", "c,b", "b" },
	{ "nothing", "a,b", "c,d", NULL },
	{ "a prefix is no match", "curve25519-sha256@libssh.org", "curve25519-sha256", NULL },
	{ "nor the other way", "curve25519-sha256", "curve25519-sha256@libssh.org", NULL },
	{ "empty client", "", "a", NULL },
	{ "empty server", "a", "", NULL },
	{ "empty names", ",,a", ",a", "a" },
	{ "only empty names", ",", ",", NULL },
	{ "indicators", "ext-info-c,kex-strict-c-v00@openssh.com",
	  "kex-strict-c-v00@openssh.com,ext-info-c", NULL },
	{ "Dropbear's indicator", "kexguess2@matt.ucc.asn.au,a", "a,kexguess2@matt.ucc.asn.au",
	  "a" },
};

static void test_negotiate(void **state)
{
	(void)state;
	char name[128];
	for (size_t i = 0; i < sizeof(agreements) / sizeof(agreements[0]); i++) {
		print_message("  %s\n", agreements[i].name);
		const char *lists[SSH_LISTS];
		struct talk *talk = new_talk();
		memcpy(lists, plain_lists, sizeof(lists));
		lists[SSH_LIST_KEX] = agreements[i].client;
		say_kexinit(talk, SSH_CLIENT, lists);
		assert_false(ssh_negotiate(&talk->dialog, SSH_LIST_LANGUAGE_C2S, name));
		lists[SSH_LIST_KEX] = agreements[i].server;
		say_kexinit(talk, SSH_SERVER, lists);
		bool agreed = ssh_negotiate(&talk->dialog, SSH_LIST_KEX, name);
		assert_int_equal(agreed, agreements[i].agreed != NULL);
		assert_string_equal(name, agreed ? agreements[i].agreed : "");
		assert_true(ssh_negotiate(&talk->dialog, SSH_LIST_CIPHER_C2S, name));
		free(talk);
	}
}

static void test_negotiate_mac(void **state)
{
	(void)state;
	char name[128];
	const char *lists[SSH_LISTS];
	struct talk *talk = new_talk();
	memcpy(lists, plain_lists, sizeof(lists));
	lists[SSH_LIST_CIPHER_C2S] = "aes256-gcm@openssh.com";
	lists[SSH_LIST_MAC_C2S] = "hmac-a";
	lists[SSH_LIST_MAC_S2C] = "hmac-a";
	say_kexinit(talk, SSH_CLIENT, lists);
	lists[SSH_LIST_MAC_C2S] = "hmac-b";
	lists[SSH_LIST_MAC_S2C] = "hmac-b";
	say_kexinit(talk, SSH_SERVER, lists);
	assert_true(ssh_negotiate(&talk->dialog, SSH_LIST_MAC_C2S, name));
	assert_string_equal(name, "");
	assert_false(ssh_negotiate(&talk->dialog, SSH_LIST_MAC_S2C, name));
	assert_true(ssh_negotiate(&talk->dialog, SSH_LIST_LANGUAGE_C2S, name));
	free(talk);
	talk = new_talk();
	say_kexinit(talk, SSH_SERVER, lists);
	assert_false(ssh_negotiate(&talk->dialog, SSH_LIST_LANGUAGE_C2S, name));
	free(talk);
}

/* What messages 30 to 34 of the server mean under each method. */
static const struct {
	const char *method;
	bool client_seen;
	unsigned message;
	bool key;
	bool milestone;
} replies[] = {
	{ "curve25519-sha256", true, 31, true, true },
	{ "diffie-hellman-group14-sha256", true, 31, true, true },
	{ "sntrup761x25519-sha512@openssh.com", true, 31, true, true },
	{ "mlkem768x25519-sha256", true, 31, true, true },
	{ "curve25519-sha256", true, 33, false, false },
	{ "curve25519-sha256", false, 31, true, true },
	{ "diffie-hellman-group-exchange-sha256", true, 31, false, false },
	{ "diffie-hellman-group-exchange-sha256", true, 33, true, true },
	{ "diffie-hellman-group-exchange-sha1", false, 33, true, true },
	{ "rsa2048-sha256", true, 30, true, true },
	{ "gss-group14-sha256-x", true, 33, true, true },
	{ "gss-group14-sha256-x", true, 32, false, true },
	{ "gss-group14-sha256-x", true, 31, false, false },
};

static void test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		print_message("  %s %u\n", replies[i].method, replies[i].message);
		const char *lists[SSH_LISTS];
		struct talk *talk = new_talk();
		memcpy(lists, plain_lists, sizeof(lists));
		lists[SSH_LIST_KEX] = replies[i].method;
		if (replies[i].client_seen)
			say_kexinit(talk, SSH_CLIENT, lists);
		say_kexinit(talk, SSH_SERVER, lists);
		say_message(talk, SSH_SERVER, replies[i].message, BYTES(HOST_KEY "rest"));
		assert_int_equal(server(talk)->host_key_length, replies[i].key ? 0x13 : 0);
		assert_int_equal(server(talk)->milestone,
				 replies[i].milestone ? SSH_KEX : SSH_KEXINIT);
		assert_false(server(talk)->malformed);
		say_message(talk, SSH_SERVER, 21, "", 0);
		assert_int_equal(server(talk)->milestone, SSH_NEWKEYS);
		free(talk);
	}
}

/* A group whose prime is no key, the client's half of the capture missing. */
static void test_group_unasked(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	say_kexinit(talk, SSH_SERVER, plain_lists);
	say_message(talk, SSH_SERVER, 31,
		    BYTES("\0\0\0\x09\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1\2"));
	assert_int_equal(server(talk)->milestone, SSH_KEXINIT);
	assert_false(server(talk)->malformed);
	free(talk);
}

static void test_host_key_limits(void **state)
{
	(void)state;
	for (uint32_t length = SSH_HOST_KEY_MAX - 1; length <= SSH_HOST_KEY_MAX + 1; length++) {
		struct talk *talk = new_talk();
		say_kexinit(talk, SSH_CLIENT, plain_lists);
		say_kexinit(talk, SSH_SERVER, plain_lists);
		struct bytes *payload = new_bytes("");
		put_u32(payload, length);
		for (uint32_t i = 0; i < length; i++)
			put_u8(payload, 'k');
		say_message(talk, SSH_SERVER, 31, payload->at, payload->length);
		assert_int_equal(server(talk)->milestone, SSH_KEX);
		assert_int_equal(server(talk)->host_key_length,
				 length <= SSH_HOST_KEY_MAX ? length : 0);
		free(payload);
		free(talk);
	}
	struct talk *talk = new_talk();
	say_kexinit(talk, SSH_CLIENT, plain_lists);
	say_kexinit(talk, SSH_SERVER, plain_lists);
	say_message(talk, SSH_SERVER, 31,
		    BYTES("\0\0\0\x05"
			  "four"));
	assert_true(server(talk)->malformed);
	assert_int_equal(server(talk)->milestone, SSH_KEXINIT);
	free(talk);
}

static void test_out_of_turn(void **state)
{
	(void)state;
	static const unsigned messages[] = { 21, 30, 31, 33, 49 };
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct talk *talk = new_talk();
		say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
		say_message(talk, SSH_SERVER, messages[i], "", 0);
		assert_true(server(talk)->malformed);
		assert_int_equal(server(talk)->milestone, SSH_IDENTIFIED);
		free(talk);
	}
}

static void test_harmless_messages(void **state)
{
	(void)state;
	static const unsigned messages[] = { 2, 3, 4, 7, 192, 255 };
	struct talk *talk = new_talk();
	say(talk, SSH_CLIENT, "SSH-2.0-x\r\n", 11);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		say_message(talk, SSH_CLIENT, messages[i], BYTES("\0\0\0\0"));
	assert_false(client(talk)->malformed);
	assert_int_equal(client(talk)->consumed, talk->stream[SSH_CLIENT].length);
	free(talk);
}

static void test_disconnect(void **state)
{
	(void)state;
	for (int with_kexinit = 0; with_kexinit <= 1; with_kexinit++) {
		struct talk *talk = new_talk();
		if (with_kexinit)
			say_kexinit(talk, SSH_SERVER, plain_lists);
		else
			say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
		say_message(talk, SSH_SERVER, 1,
			    BYTES("\0\0\0\x02\0\0\0\x03"
				  "why\0\0\0\0"));
		assert_true(server(talk)->disconnected);
		assert_int_equal(server(talk)->disconnect_reason, 2);
		assert_string_equal(server(talk)->disconnect_text, "why");
		/* RFC 4253 11.1: "The sender of this message MUST NOT send or receive
		 * any data after this message": what comes is not read. */
		size_t consumed = server(talk)->consumed;
		assert_false(say(talk, SSH_SERVER, "\xff\xff\xff\xff", 4));
		assert_int_equal(server(talk)->consumed, consumed);
		free(talk);
	}
	/* Only the reason; a text longer than kept; a text that lies. */
	struct talk *talk = new_talk();
	say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
	say_message(talk, SSH_SERVER, 1, BYTES("\0\0\0\x0b"));
	assert_int_equal(server(talk)->disconnect_reason, 11);
	assert_string_equal(server(talk)->disconnect_text, "");
	free(talk);
	talk = new_talk();
	struct bytes *payload = new_bytes("");
	put_u32(payload, 12);
	put_u32(payload, 300);
	for (unsigned i = 0; i < 300; i++)
		put_u8(payload, 'w');
	say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
	say_message(talk, SSH_SERVER, 1, payload->at, payload->length);
	assert_int_equal(strlen(server(talk)->disconnect_text), 255);
	free(payload);
	free(talk);
	talk = new_talk();
	say(talk, SSH_SERVER, "SSH-2.0-x\r\n", 11);
	say_message(talk, SSH_SERVER, 1,
		    BYTES("\0\0\0\x02\xff\xff\xff\xff"
			  "why"));
	assert_true(server(talk)->disconnected);
	assert_string_equal(server(talk)->disconnect_text, "");
	free(talk);
}

/* Nothing of SSH 1 is read behind its identification string. */
static void test_version_1(void **state)
{
	(void)state;
	struct talk *talk = new_talk();
	say(talk, SSH_SERVER, BYTES("SSH-1.5-old\n\0\0\0\x0c\4aaaaaaaaaaaaa"));
	assert_int_equal(server(talk)->consumed, 12);
	assert_false(server(talk)->malformed || server(talk)->cut);
	free(talk);
}

/* -- mutations ----------------------------------------------------------------- */

static void mutate(struct sample *sample, uint32_t *seed)
{
	for (uint32_t n = 1 + die(seed, 4); n > 0 && sample->length > 8; n--) {
		uint32_t at = die(seed, (uint32_t)sample->length);
		size_t left = sample->length - at;
		switch (die(seed, 6)) {
		case 0:
			sample->bytes[at] ^= (uint8_t)(1u << die(seed, 8));
			break;
		case 1:
			sample->bytes[at] = (uint8_t)die(seed, 256);
			break;
		case 2:
			sample->bytes[at] = die(seed, 2) ? 0xff : 0;
			break;
		case 3:
			memmove(&sample->bytes[at], &sample->bytes[at + 1], left - 1);
			sample->length--;
			break;
		case 4:
			if (sample->length < sizeof(sample->bytes)) {
				memmove(&sample->bytes[at + 1], &sample->bytes[at], left);
				sample->length++;
			}
			break;
		default:
			sample->length = at + 1;
		}
	}
}

static void assert_sane(const struct ssh_side *side, const struct stream *stream)
{
	assert_true(side->milestone <= SSH_NEWKEYS);
	assert_true(side->consumed <= stream->length);
	assert_true(side->host_key_length <= SSH_HOST_KEY_MAX);
	assert_true(memchr(side->first_line, '\0', sizeof(side->first_line)) != NULL);
	assert_true(memchr(side->ident, '\0', sizeof(side->ident)) != NULL);
	assert_true(memchr(side->disconnect_text, '\0', sizeof(side->disconnect_text)) != NULL);
	for (enum ssh_list list = 0; list < SSH_LISTS; list++)
		assert_true(memchr(side->list[list], '\0', SSH_NAME_LIST_MAX) != NULL);
}

static void mutate_once(const struct sample original[2], uint32_t *seed)
{
	struct sample sample[2] = { original[0], original[1] };
	struct talk *whole = new_talk(), *parts = new_talk();
	char name[128];

	mutate(&sample[SSH_SERVER], seed);
	if (die(seed, 3) == 0)
		mutate(&sample[SSH_CLIENT], seed);
	memset(parts->stream[SSH_SERVER].bytes, (int)die(seed, 256), SSH_STREAM_MAX);
	say(whole, SSH_CLIENT, sample[SSH_CLIENT].bytes, sample[SSH_CLIENT].length);
	say(parts, SSH_CLIENT, sample[SSH_CLIENT].bytes, sample[SSH_CLIENT].length);
	say(whole, SSH_SERVER, sample[SSH_SERVER].bytes, sample[SSH_SERVER].length);
	for (size_t at = 0; at < sample[SSH_SERVER].length;) {
		size_t length = 1 + die(seed, 200);
		if (length > sample[SSH_SERVER].length - at)
			length = sample[SSH_SERVER].length - at;
		say(parts, SSH_SERVER, &sample[SSH_SERVER].bytes[at], length);
		at += length;
	}
	assert_sane(server(parts), &parts->stream[SSH_SERVER]);
	assert_sane(client(parts), &parts->stream[SSH_CLIENT]);
	assert_true(same_side(server(whole), server(parts)));
	for (enum ssh_list list = 0; list < SSH_LISTS; list++)
		ssh_negotiate(&parts->dialog, list, name);
	free(whole);
	free(parts);
}

static void test_mutations(void **state)
{
	(void)state;
	uint32_t seed = 88172645;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct sample sample[2];
		load(&recordings[i], sample);
		for (unsigned n = 0; n < 3000; n++)
			mutate_once(sample, &seed);
	}
}

/* -- fingerprints -------------------------------------------------------------- */

static void test_fingerprint(void **state)
{
	(void)state;
	char out[64];
	/* printf '' | sha256sum | xxd -r -p | base64 */
	assert_string_equal(fingerprint_sha256((const uint8_t *)"", 0, out),
			    "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
}

static const struct {
	const char *blob;
	size_t length;
	const char *type; /* NULL: none */
} key_types[] = {
	{ BYTES("\0\0\0\x0bssh-ed25519\0\0\0\x20"), "ssh-ed25519" },
	{ BYTES("\0\0\0\x0bssh-ed25519"), "ssh-ed25519" },
	{ BYTES("\0\0\0\x0cssh-ed25519"), NULL },
	{ BYTES("\0\0\0\x03"
		"a b"),
	  NULL },
	{ BYTES("\0\0\0\x03"
		"a\x7f"
		"b"),
	  NULL },
	{ BYTES("\0\0\0\x03"
		"a\0b"),
	  NULL },
	{ BYTES("\0\0\0\0"), NULL },
	{ BYTES("\0\0\0"), NULL },
	{ BYTES("\xff\xff\xff\xffssh"), NULL },
	{ BYTES(""), NULL },
	{ BYTES("\0\0\0\x3f"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ BYTES("\0\0\0\x40"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	  NULL },
};

static void test_key_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
		char name[64];
		bool found = fingerprint_key_type((const uint8_t *)key_types[i].blob,
						  key_types[i].length, name);
		assert_int_equal(found, key_types[i].type != NULL);
		assert_string_equal(name, found ? key_types[i].type : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_server_first),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_capture_cut),
		cmocka_unit_test(test_openings),
		cmocka_unit_test(test_line_limits),
		cmocka_unit_test(test_endless_lines),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_packet_beyond_the_stream),
		cmocka_unit_test(test_endless_kexinit),
		cmocka_unit_test(test_list_lies),
		cmocka_unit_test(test_kexinit_without_end),
		cmocka_unit_test(test_version_1_99),
		cmocka_unit_test(test_list_with_nul),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_negotiate),
		cmocka_unit_test(test_negotiate_mac),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_group_unasked),
		cmocka_unit_test(test_host_key_limits),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_harmless_messages),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_key_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
