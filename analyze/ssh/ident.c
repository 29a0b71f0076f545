#include <string.h>
#include <strings.h>

#include "ssh/ident.h"

enum {
	/* What OpenSSH's client bears before it gives up (its ssh.h:
	 * SSH_MAX_PRE_BANNER_LINES, SSH_MAX_BANNER_LEN). */
	LINES_MAX = 1024,
	LINE_LENGTH_MAX = 8192,
};

/* How services that are not SSH greet, or answer an SSH identification string: the
 * web, telephony, POP3, Redis, IMAP, VNC, rsync, TLS alert and handshake, telnet. */
static const char *const greetings[] = {
	"HTTP/",    "<html",	"<!doctype", "<?xml",	 "RTSP/",    "SIP/",	  "+OK",
	"-ERR",	    "-NOAUTH",	"-DENIED",   "* OK",	 "* BYE",    "* PREAUTH", "RFB ",
	"@RSYNCD:", "\x15\x03", "\x16\x03",  "\xff\xfb", "\xff\xfc", "\xff\xfd",  "\xff\xfe",
};

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* "220 mail.example ESMTP", "421-...": SMTP, FTP, NNTP. */
static bool is_reply_code(struct cursor line)
{
	uint8_t class = cursor_u8(&line), second = cursor_u8(&line), third = cursor_u8(&line);
	uint8_t mark = cursor_u8(&line);
	return (class == '2' || class == '4' || class == '5') && is_digit(second) &&
	       is_digit(third) && (mark == ' ' || mark == '-');
}

static bool is_other_greeting(struct cursor line)
{
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		struct cursor start = line;
		size_t length = strlen(greetings[i]);
		const uint8_t *bytes = cursor_take(&start, length);
		if (bytes != NULL && strncasecmp((const char *)bytes, greetings[i], length) == 0)
			return true;
	}
	return line.left >= 4 && is_reply_code(line);
}

/* Control bytes that no text has: escape sequences, bells and tabs are text. */
static bool is_binary(struct cursor line)
{
	while (line.left > 0) {
		uint8_t byte = cursor_u8(&line);
		if (byte < '\a' || (byte > '\r' && byte < ' ' && byte != 0x1b))
			return true;
	}
	return false;
}

/* Whether `line`, complete or not, is "SSH-..." or may still become that. */
static bool may_be_ident(struct cursor line)
{
	size_t length = line.left < 4 ? line.left : 4;
	return memcmp(cursor_take(&line, length), "SSH-", length) == 0;
}

/* Whether these bytes, the beginning of what the server sends, can be a line that
 * a server may put before its identification string. */
static bool may_precede_ident(const struct ssh_side *side, struct cursor line)
{
	if (line.left > LINE_LENGTH_MAX || side->lines >= LINES_MAX)
		return false;
	/* RFC 4253 4.2: "The null character MUST NOT be sent." */
	if (memchr(line.at, '\0', line.left) != NULL)
		return false;
	return side->lines > 0 || !(is_other_greeting(line) || is_binary(line));
}

/* "SSH-2.0-", "SSH-1.99-": the version and its two marks. */
static bool has_version(const char *ident)
{
	const char *at = ident + strlen("SSH-");
	size_t major = strspn(at, "0123456789");
	if (major == 0 || at[major] != '.')
		return false;
	at += major + 1;
	size_t minor = strspn(at, "0123456789");
	return minor > 0 && at[minor] == '-';
}

bool ident_is_version_2(const char *ident)
{
	/* RFC 4253 5.1: "Clients using protocol 2.0 MUST be able to identify this
	 * [1.99] as being identical to '2.0'." */
	return strncmp(ident, "SSH-2.", 6) == 0 || strncmp(ident, "SSH-1.99-", 9) == 0;
}

/* Copies `line` without its line end, as a string. */
static void copy_line(char *out, size_t size, struct cursor line)
{
	size_t length = line.left;
	if (length > 0 && line.at[length - 1] == '\n')
		length--;
	if (length > 0 && line.at[length - 1] == '\r')
		length--;
	if (length > size - 1)
		length = size - 1;
	memcpy(out, cursor_take(&line, length), length);
	out[length] = '\0';
}

/* Takes one line with its line feed. False when it is not complete: `line` is
 * then what there is of it. */
static bool next_line(struct cursor *rest, struct cursor *line)
{
	const uint8_t *end = rest->left > 0 ? memchr(rest->at, '\n', rest->left) : NULL;
	if (end == NULL) {
		*line = *rest;
		return false;
	}
	*line = cursor_part(rest, (size_t)(end - rest->at) + 1);
	return true;
}

static void take_ident(struct ssh_side *side, struct cursor line)
{
	bool clean = memchr(line.at, '\0', line.left) == NULL;
	/* RFC 4253 4.2: "The maximum length of the string is 255 characters,
	 * including the Carriage Return and Line Feed." OpenSSH takes longer ones;
	 * what is kept of them is cut. */
	copy_line(side->ident, sizeof(side->ident), line);
	if (!clean || !has_version(side->ident)) {
		side->ident[0] = '\0';
		side->not_ssh = true;
		return;
	}
	side->milestone = SSH_IDENTIFIED;
	if (side->lines == 0)
		side->first_line[0] = '\0'; /* it was the identification string itself */
}

/* `line` is the next line, or what there is of it yet. */
static void judge_line(struct ssh_side *side, enum ssh_peer peer, struct cursor line, bool complete)
{
	if (may_be_ident(line)) {
		if (line.left > LINE_LENGTH_MAX)
			side->not_ssh = true;
		else if (complete)
			take_ident(side, line);
		return;
	}
	/* RFC 4253 4.2: "The server MAY send other lines of data before sending the
	 * version string." Nothing allows it to the client. */
	if (peer == SSH_CLIENT || !may_precede_ident(side, line))
		side->not_ssh = true;
	else if (complete)
		side->lines++;
}

void ident_read(struct ssh_side *side, enum ssh_peer peer, struct cursor *rest)
{
	while (side->milestone == SSH_TALKING) {
		struct cursor ahead = *rest, line;
		bool complete = next_line(&ahead, &line);
		if (line.left == 0)
			return;
		if (side->lines == 0)
			copy_line(side->first_line, sizeof(side->first_line), line);
		if (!side->not_ssh)
			judge_line(side, peer, line, complete);
		/* A line that is no good stays unread, so that first_line can still grow. */
		if (side->not_ssh || !complete)
			return;
		*rest = ahead;
	}
}
