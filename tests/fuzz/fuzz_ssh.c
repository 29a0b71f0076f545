/* Segments of a connection that has come some way already: a recorded one up to a byte that the
 * input chooses, then what the input says, in any order, cut, overlapping. */
#include <string.h>

#include "expect.h"
#include "fuzz.h"
#include "ssh_samples.h"
#include "sshwhy/cursor.h"
#include "sshwhy/fingerprint.h"
#include "sshwhy/ssh.h"

static const char *const recordings[][2] = {
	{ "openssh-client.bin", "openssh-server.bin" },
	{ "dropbear-client.bin", "dropbear-server.bin" },
	{ "gex-client.bin", "gex-server.bin" },
};
enum { RECORDINGS = sizeof(recordings) / sizeof(recordings[0]) };

struct talk {
	struct ssh_dialog dialog;
	struct stream stream[2];
};

static void check_side(const struct ssh_side *side, const struct stream *stream)
{
	expect(side->milestone <= SSH_NEWKEYS);
	expect(side->consumed <= stream->length);
	expect(stream->length <= SSH_STREAM_MAX);
	expect(side->host_key_length <= SSH_HOST_KEY_MAX);
	expect(memchr(side->ident, '\0', sizeof(side->ident)) != NULL);
	expect(memchr(side->first_line, '\0', sizeof(side->first_line)) != NULL);
	expect(memchr(side->disconnect_text, '\0', sizeof(side->disconnect_text)) != NULL);
	expect((side->ident[0] != '\0') == (side->milestone >= SSH_IDENTIFIED));
	for (int list = 0; list < SSH_LISTS; list++)
		expect(memchr(side->list[list], '\0', SSH_NAME_LIST_MAX) != NULL);
}

static void check_key(const struct ssh_side *server)
{
	char text[64], type[64];
	fingerprint_sha256(server->host_key, server->host_key_length, text);
	if (fingerprint_key_type(server->host_key, server->host_key_length, type))
		expect(type[0] != '\0' && strlen(type) < sizeof(type));
}

static void say(struct talk *talk, enum ssh_peer peer, uint32_t sequence, struct cursor bytes,
		uint32_t length)
{
	struct stream *stream = &talk->stream[peer];
	const struct ssh_side *side = &talk->dialog.side[peer];
	enum ssh_milestone before = side->milestone;
	uint32_t held = stream->length;
	bool grew = stream_segment(stream, sequence, bytes.at, (uint32_t)bytes.left, length);
	expect(grew == (stream->length > held));
	(void)ssh_dialog_read(&talk->dialog, peer, stream);
	expect(side->milestone >= before);
	check_side(side, stream);
}

/* As recorded, but stopping after a few bytes. */
static void record(struct talk *talk, uint8_t which, uint16_t client_bytes, uint16_t server_bytes)
{
	static struct sample samples[RECORDINGS][2];
	if (samples[0][0].length == 0)
		for (unsigned i = 0; i < 2 * RECORDINGS; i++)
			sample_load(&samples[i / 2][i % 2], recordings[i / 2][i % 2]);
	const struct sample *pair = samples[which % RECORDINGS];
	const uint16_t bytes[2] = { client_bytes, server_bytes };
	for (int peer = 0; peer < 2; peer++) {
		uint32_t length = (uint32_t)pair[peer].length;
		if (bytes[peer] < length)
			length = bytes[peer];
		say(talk, (enum ssh_peer)peer, talk->stream[peer].first,
		    cursor_over(pair[peer].bytes, length), length);
	}
}

static void segment(struct talk *talk, struct cursor *input)
{
	uint8_t control = cursor_u8(input);
	enum ssh_peer peer = control & 1 ? SSH_SERVER : SSH_CLIENT;
	struct stream *stream = &talk->stream[peer];
	int32_t shift = (int8_t)cursor_u8(input);
	size_t length = cursor_u8(input);
	if (control & 2)
		length *= 100;
	struct cursor bytes = cursor_part(input, length < input->left ? length : input->left);
	uint32_t more = control & 4 ? cursor_u8(input) : 0;
	if (control & 8)
		shift *= 1000;
	say(talk, peer, stream->first + stream->length + (uint32_t)shift, bytes,
	    (uint32_t)bytes.left + more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talk talk;
	struct cursor input = cursor_over(data, size);
	memset(&talk, 0, sizeof(talk));
	uint8_t which = cursor_u8(&input);
	uint16_t client_bytes = cursor_be16(&input);
	uint16_t server_bytes = cursor_be16(&input);
	stream_start(&talk.stream[SSH_CLIENT], which & 0x80 ? 0xffffff00 : 1);
	stream_start(&talk.stream[SSH_SERVER], which & 0x40 ? 0xffffff00 : 1);
	record(&talk, which & 0x3f, client_bytes, server_bytes);
	while (input.left > 0 && !input.failed)
		segment(&talk, &input);
	check_key(&talk.dialog.side[SSH_SERVER]);
	char name[128];
	bool both = talk.dialog.side[SSH_CLIENT].milestone >= SSH_KEXINIT &&
		    talk.dialog.side[SSH_SERVER].milestone >= SSH_KEXINIT;
	for (int list = 0; both && list < SSH_LISTS; list++)
		if (ssh_negotiate(&talk.dialog, (enum ssh_list)list, name))
			expect(memchr(name, '\0', sizeof(name)) != NULL);
	return 0;
}
