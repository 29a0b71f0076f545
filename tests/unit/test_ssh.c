/* SSH as it is read from recorded connections: whole, in pieces, cut and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peers.h"
#include "ssh_samples.h"
#include "sshwhy/fingerprint.h"
#include "sshwhy/ssh.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),	     cmocka_unit_test(test_server_first),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_capture_cut),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
