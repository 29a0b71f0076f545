/* What comes before and with the identification string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "peers.h"
#include "sshwhy/ssh.h"

/* -- before the identification string ------------------------------------------ */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openings),
		cmocka_unit_test(test_line_limits),
		cmocka_unit_test(test_endless_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
