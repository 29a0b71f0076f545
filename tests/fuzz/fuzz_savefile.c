/* A file's bytes, as they are or forged: the reader gives sound frames, and then says once and
 * for all that they ended or where the damage is. */
#include <string.h>

#include "expect.h"
#include "forge.h"
#include "fuzz.h"
#include "sshwhy/savefile.h"

#define FRAMES_MAX 10000

static void check_frame(const struct frame *frame, uint64_t number)
{
	expect(frame->number == number);
	expect(frame->captured <= frame->on_wire);
	expect(frame->captured <= SAVEFILE_MAX_RECORD);
	expect(frame->time_ns < INT64_C(1) << 62 && frame->time_ns > -(INT64_C(1) << 62));
	for (uint32_t i = 0; i < frame->captured; i++) {
		volatile uint8_t touched = frame->bytes[i];
		(void)touched;
	}
}

static void read_all(struct savefile *savefile)
{
	struct frame frame;
	enum savefile_status status = SAVEFILE_FRAME;
	for (uint64_t n = 1; n <= FRAMES_MAX; n++) {
		status = savefile_next(savefile, &frame);
		if (status != SAVEFILE_FRAME)
			break;
		check_frame(&frame, n);
		(void)strlen(savefile_interface_name(savefile, frame.interface));
	}
	if (status == SAVEFILE_FRAME)
		return;
	uint64_t offset = UINT64_MAX;
	const char *damage = savefile_damage(savefile, &offset);
	expect((damage != NULL) == (status == SAVEFILE_DAMAGED));
	expect(damage == NULL || (damage[0] != '\0' && offset != UINT64_MAX));
	expect(savefile_next(savefile, &frame) == status);
	expect(savefile_note_count(savefile) <= SAVEFILE_MAX_NOTES);
	for (size_t i = 0; i < savefile_note_count(savefile); i++)
		(void)strlen(savefile_note(savefile, i));
	expect(savefile_note(savefile, savefile_note_count(savefile)) == NULL);
}

static void read_file(const uint8_t *bytes, size_t length)
{
	struct error error = { 0 };
	struct savefile *savefile = savefile_open(forge_file(bytes, length), &error);
	if (savefile == NULL) {
		expect(error.code == EXIT_MALFORMED && error.text[0] != '\0');
		return;
	}
	read_all(savefile);
	savefile_close(savefile);
}

/* -- forged ------------------------------------------------------------------------ */

static struct cursor some(struct cursor *input)
{
	size_t length = cursor_u8(input);
	return cursor_part(input, length < input->left ? length : input->left);
}

static void options(struct forge *forge, struct cursor *input)
{
	for (uint8_t code = cursor_u8(input); code != 0 && !input->failed; code = cursor_u8(input))
		forge_option(forge, code, some(input));
}

static void packet(struct forge *forge, uint8_t type, struct cursor *input)
{
	struct cursor header = cursor_part(input, type == 3 ? 4 : 12);
	forge_bytes(forge, header.at, header.left);
	struct cursor data = some(input);
	if (type != 3) {
		forge_number(forge, data.left, 4);
		forge_number(forge, data.left + (uint64_t)(int8_t)cursor_u8(input), 4);
	}
	forge_padded(forge, data);
	if (type != 3)
		options(forge, input);
}

/* One block: its type, whether its length lies, and what its kind asks for. */
static void block(struct forge *forge, struct cursor *input)
{
	uint8_t type = cursor_u8(input);
	uint8_t lie = cursor_u8(input);
	switch (type % 8) {
	case 0: /* a section, maybe in the other byte order */
		forge->big = type & 0x80;
		forge_section(forge);
		options(forge, input);
		break;
	case 1:
		forge_begin(forge, 1);
		forge_number(forge, cursor_u8(input), 2);
		forge_number(forge, 0, 2);
		forge_number(forge, cursor_be16(input), 4);
		options(forge, input);
		break;
	case 2:
	case 3:
	case 6:
		forge_begin(forge, type % 8);
		packet(forge, type % 8, input);
		break;
	default:
		forge_begin(forge, cursor_be32(input));
		forge_padded(forge, some(input));
		break;
	}
	forge_end(forge, lie < 0xf0 ? 0 : (uint32_t)(int32_t)(int8_t)(lie << 2));
}

static void blocks(struct forge *forge, struct cursor input)
{
	forge_section(forge);
	forge_end(forge, 0);
	while (input.left > 0 && !input.failed)
		block(forge, &input);
}

static void records(struct forge *forge, struct cursor input)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34 };
	static const uint8_t more[] = { 0, 4, 8, 12 };
	uint8_t kind = cursor_u8(&input);
	uint8_t minor = cursor_u8(&input) % 5;
	forge->big = kind & 0x80;
	forge_pcap(forge, magics[kind % 3], minor, cursor_u8(&input));
	while (input.left > 0 && !input.failed) {
		struct cursor times = cursor_part(&input, 8);
		forge_bytes(forge, times.at, times.left);
		struct cursor data = some(&input);
		forge_number(forge, data.left, 4);
		forge_number(forge, data.left + (uint64_t)(int8_t)cursor_u8(&input), 4);
		forge_bytes(forge, "\0\0\0\0\0\0\0\0\0\0\0", more[kind / 3 % 4]);
		forge_bytes(forge, data.at, data.left);
	}
}

enum { AS_IT_IS, GZIPPED, PCAPNG, PCAP, PCAPNG_GZIPPED, WAYS_IN };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	struct forge forge = { 0 }, zipped = { 0 };
	uint8_t way = cursor_u8(&input) % WAYS_IN;
	if (way == PCAPNG || way == PCAPNG_GZIPPED)
		blocks(&forge, input);
	else if (way == PCAP)
		records(&forge, input);
	else
		forge_bytes(&forge, input.at, input.left);
	if (way == GZIPPED || way == PCAPNG_GZIPPED) {
		forge_gzip(&zipped, forge.bytes, forge.length);
		read_file(zipped.bytes, zipped.length);
	} else {
		read_file(forge.bytes, forge.length);
	}
	forge_free(&forge);
	forge_free(&zipped);
	return 0;
}
