/* Binary packets: key exchange, negotiation, replies, disconnects, and their lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "peers.h"
#include "sshwhy/ssh.h"

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
		put_bytes(out, "                  ", whole ? claims[i].length - 2 : 18);
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
		put_bytes(payload, "0123456789abcdef", 16);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
