#include "user/ip_qos.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As in parse_ipqos() of OpenSSH's misc.c. */
static const struct {
	const char *word;
	uint8_t mark;
} marks[] = {
	{ "af11", 0x28 },	{ "af12", 0x30 },	 { "af13", 0x38 }, { "af21", 0x48 },
	{ "af22", 0x50 },	{ "af23", 0x58 },	 { "af31", 0x68 }, { "af32", 0x70 },
	{ "af33", 0x78 },	{ "af41", 0x88 },	 { "af42", 0x90 }, { "af43", 0x98 },
	{ "cs0", 0x00 },	{ "cs1", 0x20 },	 { "cs2", 0x40 },  { "cs3", 0x60 },
	{ "cs4", 0x80 },	{ "cs5", 0xa0 },	 { "cs6", 0xc0 },  { "cs7", 0xe0 },
	{ "ef", 0xb8 },		{ "va", 0xb0 },		 { "none", 0x00 }, { "lowdelay", 0x10 },
	{ "throughput", 0x08 }, { "reliability", 0x04 },
};

/* The kernel keeps the two bits of ECN of a TCP socket to itself. */
#define ECN_BITS 3u

static uint8_t of_number(const char *word)
{
	char *end;
	unsigned long number = strtoul(word, &end, 0);
	return end != word && *end == '\0' && number <= UINT8_MAX ? (uint8_t)(number & ~ECN_BITS)
								  : 0;
}

uint8_t ip_qos_mark(const char *ip_qos)
{
	char word[32];
	size_t length = strcspn(ip_qos, " \t");
	if (length >= sizeof(word))
		return 0;
	memcpy(word, ip_qos, length);
	word[length] = '\0';
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strcasecmp(word, marks[i].word) == 0)
			return marks[i].mark;
	return of_number(word);
}
