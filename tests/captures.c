/* Makes large captures, for what must be fast and small: a pcap on stdout.
 *
 *   captures mixed PACKETS    Ethernet, 650 bytes on average, 2 % of them SSH
 *   captures flood SYNS       a flood of SYNs to port 22, each from another address; among
 *                             them one client that fails (no answer) and one that is refused
 *   captures half SYNS        the same flood, each SYN answered, no handshake completed
 *   captures small PACKETS    as mixed, but frames of 54 to 69 bytes
 *   captures sessions NUMBER  whole SSH connections of 20 packets, each of another client,
 *                             64 at a time
 *
 * The same arguments give the same bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };
enum { ETHERNET = 14, IP = 20, TCP = 20, UDP = 8, FRAME_MAX = 1514 };

struct capture {
	uint64_t dice, time_us;
	uint8_t frame[FRAME_MAX];
};

static uint32_t dice(struct capture *c)
{
	c->dice ^= c->dice << 13;
	c->dice ^= c->dice >> 7;
	c->dice ^= c->dice << 17;
	return (uint32_t)(c->dice >> 16);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static void must_write(const void *bytes, size_t length)
{
	if (fwrite(bytes, length, 1, stdout) != 1)
		exit(1);
}

static void write_frame(struct capture *c, size_t length)
{
	uint32_t record[4] = { (uint32_t)(1700000000 + c->time_us / 1000000),
			       (uint32_t)(c->time_us % 1000000), (uint32_t)length,
			       (uint32_t)length };
	must_write(record, sizeof(record));
	must_write(c->frame, length);
}

struct ends {
	uint32_t source, destination;
	uint16_t source_port, destination_port;
	uint8_t ttl;
};

static void put_ip(struct capture *c, const struct ends *ends, unsigned protocol, size_t length)
{
	uint8_t *ip = c->frame + ETHERNET;
	memcpy(c->frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0", ETHERNET);
	memset(ip, 0, IP);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)length);
	ip[8] = ends->ttl;
	ip[9] = (uint8_t)protocol;
	put32(ip + 12, ends->source);
	put32(ip + 16, ends->destination);
}

struct segment {
	uint32_t sequence, acknowledgement;
	unsigned flags;
	const void *text; /* NULL: whatever is in the frame */
	size_t length;
};

static void tcp(struct capture *c, const struct ends *ends, const struct segment *segment)
{
	uint8_t *at = c->frame + ETHERNET + IP;
	put_ip(c, ends, 6, IP + TCP + segment->length);
	memset(at, 0, TCP);
	put16(at, ends->source_port);
	put16(at + 2, ends->destination_port);
	put32(at + 4, segment->sequence);
	put32(at + 8, segment->acknowledgement);
	at[12] = 5 << 4;
	at[13] = (uint8_t)segment->flags;
	put16(at + 14, 64240);
	if (segment->text != NULL)
		memcpy(at + TCP, segment->text, segment->length);
	else /* what looks like TLS, not like the SSH that the frame held before */
		memset(at + TCP, 0x17, segment->length < 8 ? segment->length : 8);
	write_frame(c, ETHERNET + IP + TCP + segment->length);
}

static void udp(struct capture *c, const struct ends *ends, size_t length)
{
	uint8_t *at = c->frame + ETHERNET + IP;
	put_ip(c, ends, 17, IP + UDP + length);
	put16(at, ends->source_port);
	put16(at + 2, ends->destination_port);
	put16(at + 4, (unsigned)(UDP + length));
	write_frame(c, ETHERNET + IP + UDP + length);
}

static struct ends back(const struct ends *ends)
{
	return (struct ends){ ends->destination, ends->source, ends->destination_port,
			      ends->source_port, 59 };
}

/* -- mixed ------------------------------------------------------------------------------ */

#define SESSION_PACKETS 400 /* of one SSH connection */
#define HELLO		"SSH-2.0-OpenSSH_9.6\r\n"

/* Packet `step` of SSH connection `number`. */
static void session(struct capture *c, uint32_t number, uint32_t step, size_t length)
{
	struct ends up = { 0x0a000000 + number % 200, 0xc6336400 + number % 50,
			   (uint16_t)(20000 + number % 40000), 22, 64 };
	struct ends down = back(&up);
	uint32_t hello = sizeof(HELLO) - 1;
	switch (step) {
	case 0:
		tcp(c, &up, &(struct segment){ 1000, 0, SYN, NULL, 0 });
		return;
	case 1:
		tcp(c, &down, &(struct segment){ 2000, 1001, SYN | ACK, NULL, 0 });
		return;
	case 2:
		tcp(c, &up, &(struct segment){ 1001, 2001, ACK, NULL, 0 });
		return;
	case 3:
		tcp(c, &down, &(struct segment){ 2001, 1001, PSH | ACK, HELLO, hello });
		return;
	case 4:
		tcp(c, &up, &(struct segment){ 1001, 2001 + hello, PSH | ACK, HELLO, hello });
		return;
	default:
		tcp(c, step % 2 ? &up : &down,
		    &(struct segment){ 3000 + step * 1460, 5000 + step * 1460, PSH | ACK, NULL,
				       length });
	}
}

/* Somebody else's: TCP for the most part, a tenth of it UDP, now and then a new connection. */
static void other(struct capture *c, size_t length)
{
	uint32_t flow = dice(c) % 20000;
	struct ends up = { 0x0a010000 + flow % 5000, 0xcb007100 + flow % 100,
			   (uint16_t)(1024 + flow * 3), 443, 64 };
	struct ends down = back(&up);
	if (flow % 10 == 0) {
		udp(c, &up, length);
		return;
	}
	if (dice(c) % 50 == 0)
		tcp(c, &up, &(struct segment){ dice(c), 0, SYN, NULL, 0 });
	else
		tcp(c, dice(c) % 3 ? &down : &up,
		    &(struct segment){ dice(c), dice(c), ACK, NULL, length });
}

static void mixed(struct capture *c, uint64_t packets, uint32_t longest)
{
	uint64_t ssh = 0;
	for (uint64_t i = 0; i < packets; i++) {
		size_t length = dice(c) % longest;
		c->time_us += 50;
		if (i % 50 != 0) {
			other(c, length);
			continue;
		}
		/* eight connections at a time */
		uint64_t turn = ssh / 8;
		session(c, (uint32_t)(turn / SESSION_PACKETS * 8 + ssh % 8),
			(uint32_t)(turn % SESSION_PACKETS), length);
		ssh++;
	}
}

/* -- flood ------------------------------------------------------------------------------- */

/* What the two clients do, and when, as shares of the flood. */
static void within_flood(struct capture *c, uint64_t i, uint64_t syns)
{
	struct ends fails = { 0x0a140001, 0xc0000201, 40001, 22, 64 };
	struct ends refused = { 0x0a140002, 0xc0000202, 40002, 22, 64 };
	struct ends reset = back(&refused);
	static const unsigned repeats[] = { 0, 1, 3, 7, 15 }; /* seconds after the first SYN */
	for (size_t n = 0; n < sizeof(repeats) / sizeof(*repeats); n++)
		if (i == syns / 4 + repeats[n] * (syns / 20))
			tcp(c, &fails, &(struct segment){ 77, 0, SYN, NULL, 0 });
	if (i == syns / 2)
		tcp(c, &refused, &(struct segment){ 88, 0, SYN, NULL, 0 });
	if (i == syns / 2 + 20)
		tcp(c, &reset, &(struct segment){ 0, 89, RST | ACK, NULL, 0 });
}

/* Twenty seconds, whatever the number. */
static void flood(struct capture *c, uint64_t syns, bool answered)
{
	for (uint64_t i = 0; i < syns; i++) {
		struct ends ends = { (uint32_t)(0x20000000 + i * 7), 0xc0000201,
				     (uint16_t)(1024 + i % 60000), 22, 50 };
		c->time_us = i * 20000000 / syns;
		within_flood(c, i, syns);
		uint32_t sequence = dice(c);
		tcp(c, &ends, &(struct segment){ sequence, 0, SYN, NULL, 0 });
		struct ends answer = back(&ends);
		if (answered)
			tcp(c, &answer,
			    &(struct segment){ dice(c), sequence + 1, SYN | ACK, NULL, 0 });
	}
}

/* -- sessions ---------------------------------------------------------------------------- */

#define AT_ONCE 64

enum words { NOTHING, IDENTIFICATION, KEXINIT, KEX_INIT, KEX_REPLY, NEWKEYS, ENCRYPTED };

static const struct step {
	bool from_client;
	unsigned flags;
	enum words words;
} steps[] = {
	{ true, SYN, NOTHING },
	{ false, SYN | ACK, NOTHING },
	{ true, ACK, NOTHING },
	{ false, PSH | ACK, IDENTIFICATION },
	{ true, PSH | ACK, IDENTIFICATION },
	{ true, PSH | ACK, KEXINIT },
	{ false, PSH | ACK, KEXINIT },
	{ true, PSH | ACK, KEX_INIT },
	{ false, PSH | ACK, KEX_REPLY },
	{ true, PSH | ACK, NEWKEYS },
	{ true, PSH | ACK, ENCRYPTED },
	{ false, PSH | ACK, ENCRYPTED },
	{ true, PSH | ACK, ENCRYPTED },
	{ false, PSH | ACK, ENCRYPTED },
	{ true, PSH | ACK, ENCRYPTED },
	{ false, PSH | ACK, ENCRYPTED },
	{ true, ACK, NOTHING },
	{ true, FIN | ACK, NOTHING },
	{ false, FIN | ACK, NOTHING },
	{ true, ACK, NOTHING },
};

enum { STEPS = sizeof(steps) / sizeof(*steps) };

static size_t put_string(uint8_t *at, const char *text, size_t length)
{
	put32(at, (uint32_t)length);
	memcpy(at + 4, text, length);
	return 4 + length;
}

/* RFC 4253 6: packet length, padding length, payload, padding (no shorter than 4). The
 * payload is there already, behind the five bytes of the two lengths. */
static size_t finish(uint8_t *at, uint8_t number, size_t payload)
{
	size_t padding = 4 + (8 - (5 + payload + 4) % 8) % 8;
	at[4] = (uint8_t)padding;
	at[5] = number;
	memset(at + 5 + payload, 0, padding);
	put32(at, (uint32_t)(1 + payload + padding));
	return 5 + payload + padding;
}

/* RFC 4253 7.1: a cookie, ten lists of names, a boolean, a reserved word. */
static size_t put_kexinit(uint8_t *at)
{
	static const char *const lists[] = {
		"curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
		"hmac-sha2-256",     "none",	    "none",	  "",		""
	};
	uint8_t *list = at + 5 + 1 + 16;
	memset(at, 0, 5 + 1 + 16);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		list += put_string(list, lists[i], strlen(lists[i]));
	memset(list, 0, 5);
	return finish(at, 20, (size_t)(list + 5 - at) - 5);
}

/* RFC 8731 3, RFC 5656 4: host key, the server's key, signature. */
static size_t put_reply(uint8_t *at)
{
	static const char key[] = "\0\0\0\x0bssh-ed25519\0\0\0\x20"
				  "0123456789abcdef0123456789abcdef";
	static const char signature[] = "\0\0\0\x0bssh-ed25519\0\0\0\x40"
					"0123456789abcdef0123456789abcdef"
					"0123456789abcdef0123456789abcdef";
	uint8_t *part = at + 6;
	part += put_string(part, key, sizeof(key) - 1);
	part += put_string(part, signature + 19, 32);
	part += put_string(part, signature, sizeof(signature) - 1);
	return finish(at, 31, (size_t)(part - at) - 5);
}

static size_t put_words(uint8_t *at, enum words words)
{
	switch (words) {
	case IDENTIFICATION:
		memcpy(at, HELLO, sizeof(HELLO) - 1);
		return sizeof(HELLO) - 1;
	case KEXINIT:
		return put_kexinit(at);
	case KEX_INIT:
		return finish(at, 30,
			      1 + put_string(at + 6, "0123456789abcdef0123456789abcdef", 32));
	case KEX_REPLY: { /* and NEWKEYS */
		size_t length = put_reply(at);
		return length + finish(at + length, 21, 1);
	}
	case NEWKEYS:
		return finish(at, 21, 1);
	case ENCRYPTED:
		memset(at, 0x5a, 64);
		return 64;
	default:
		return 0;
	}
}

struct talk {
	uint32_t client, said_up, said_down;
};

static void one_step(struct capture *c, struct talk *talk, const struct step *step)
{
	uint8_t text[1024];
	struct ends up = { 0x0a000000 + talk->client, 0xc6336401,
			   (uint16_t)(20000 + talk->client % 40000), 22, 64 };
	struct ends down = back(&up);
	uint32_t *ours = step->from_client ? &talk->said_up : &talk->said_down;
	uint32_t theirs = step->from_client ? talk->said_down : talk->said_up;
	struct segment segment = { *ours, step->flags & ACK ? theirs : 0, step->flags, text,
				   put_words(text, step->words) };
	*ours += (uint32_t)segment.length + (step->flags & (SYN | FIN) ? 1 : 0);
	tcp(c, step->from_client ? &up : &down, &segment);
}

static void sessions(struct capture *c, uint64_t number)
{
	struct talk talks[AT_ONCE];
	for (uint64_t first = 0; first < number; first += AT_ONCE) {
		uint64_t now = number - first < AT_ONCE ? number - first : AT_ONCE;
		for (uint64_t i = 0; i < now; i++)
			talks[i] = (struct talk){ (uint32_t)(first + i), 1000, 2000 };
		for (size_t step = 0; step < STEPS; step++)
			for (uint64_t i = 0; i < now; i++) {
				c->time_us += 50;
				one_step(c, &talks[i], &steps[step]);
			}
	}
}

int main(int argc, char **argv)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };
	struct capture capture = { .dice = 88172645463325252 };
	if (argc != 3)
		return 64;
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	must_write(head, sizeof(head));
	uint64_t count = strtoull(argv[2], NULL, 10);
	if (strcmp(argv[1], "mixed") == 0)
		mixed(&capture, count, 1214); /* and 54 bytes of headers: 650 on average */
	else if (strcmp(argv[1], "small") == 0)
		mixed(&capture, count, 16);
	else if (strcmp(argv[1], "flood") == 0)
		flood(&capture, count, false);
	else if (strcmp(argv[1], "half") == 0)
		flood(&capture, count, true);
	else if (strcmp(argv[1], "sessions") == 0)
		sessions(&capture, count);
	else
		return 64;
	return fflush(stdout) == 0 ? 0 : 1;
}
