/* Addresses: texts, ranges at their borders, socket forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "sshwhy/address.h"

static void texts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint8_t family;
		const char *again;
	} rows[] = {
		{ "10.1.0.4", 4, "10.1.0.4" },
		{ "0.0.0.0", 4, "0.0.0.0" },
		{ "255.255.255.255", 4, "255.255.255.255" },
		{ "2001:db8::1", 6, "2001:db8::1" },
		{ "2001:0DB8:0:0:0:0:0:1", 6, "2001:db8::1" },
		{ "::", 6, "::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 6,
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "", 0, "-" },
		{ "10.1.0", 0, "-" },
		{ "10.1.0.256", 0, "-" },
		{ "10.1.0.4 ", 0, "-" },
		{ "[::1]", 0, "-" },
		{ "fe80::1%eth0", 0, "-" },
		{ "vm.example", 0, "-" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address = address_parse(rows[i].text);
		char text[ADDRESS_TEXT];
		assert_int_equal(address.family, rows[i].family);
		assert_ptr_equal(address_text(&address, text), text);
		assert_string_equal(text, rows[i].again);
	}
}

static void literals(void **state)
{
	(void)state;
	static const struct {
		const char *text, *means;
	} rows[] = {
		{ "10.1.0.4", "10.1.0.4" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "fe80::1%eth0", "fe80::1" },
		{ "ff02::1%2", "ff02::1" },
		{ "::%lo", "::" },
		{ "::ffff:10.1.0.4", "10.1.0.4" },
		{ "::ffff:0a01:0004", "10.1.0.4" },
		{ "::ffff:10.1.0.4%eth0", "10.1.0.4" },
		{ "::fffe:10.1.0.4", "::fffe:a01:4" },
		{ "10.1.0.4%eth0", "-" },
		{ "%eth0", "-" },
		{ "vm.example", "-" },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000%eth0", "-" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address = address_of_literal(rows[i].text);
		char text[ADDRESS_TEXT];
		assert_string_equal(address_text(&address, text), rows[i].means);
	}
}

static void equality(void **state)
{
	(void)state;
	struct address a = address_parse("10.0.0.1"),
		       b = address_v4((const uint8_t[]){ 10, 0, 0, 1 });
	struct address c = address_parse("10.0.0.2"), none = { 0 }, nothing = { 0 };
	assert_true(address_equal(&a, &b));
	assert_false(address_equal(&a, &c));
	assert_true(address_equal(&none, &nothing));
	/* the same bytes in another family are another address */
	struct address zero4 = address_parse("0.0.0.0"), zero6 = address_parse("::");
	assert_false(address_equal(&zero4, &zero6));
	assert_false(address_equal(&zero4, &none));
}

static void prefixes(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		unsigned agree; /* bits */
	} rows[] = {
		{ "10.0.0.0", "138.0.0.0", 0 },
		{ "10.0.0.0", "10.128.0.0", 8 },
		{ "10.0.0.0", "10.0.2.0", 22 },
		{ "10.0.0.0", "10.0.0.1", 31 },
		{ "10.0.0.1", "10.0.0.1", 32 },
		{ "2001:db8::", "a001:db8::", 0 },
		{ "fe80::", "fec0::", 9 },
		{ "2001:db8::", "2001:db8::1", 127 },
		{ "2001:db8::1", "2001:db8::1", 128 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address a = address_parse(rows[i].a), b = address_parse(rows[i].b);
		bool same = address_equal(&a, &b);
		for (unsigned bits = 0; bits <= 200; bits++)
			assert_int_equal(address_same_prefix(&a, &b, bits),
					 same || bits <= rows[i].agree);
	}
	struct address v4 = address_parse("0.0.0.0"), v6 = address_parse("::"), none = { 0 };
	assert_false(address_same_prefix(&v4, &v6, 0));
	assert_false(address_same_prefix(&none, &none, 0));
}

static void ranges(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool private, loopback;
	} rows[] = {
		{ "9.255.255.255", false, false },
		{ "10.0.0.0", true, false },
		{ "10.255.255.255", true, false },
		{ "11.0.0.0", false, false },
		{ "100.63.255.255", false, false },
		{ "100.64.0.0", true, false },
		{ "100.127.255.255", true, false },
		{ "100.128.0.0", false, false },
		{ "126.255.255.255", false, false },
		{ "127.0.0.0", false, true },
		{ "127.255.255.255", false, true },
		{ "128.0.0.0", false, false },
		{ "169.253.255.255", false, false },
		{ "169.254.0.0", true, false },
		{ "169.254.255.255", true, false },
		{ "169.255.0.0", false, false },
		{ "172.15.255.255", false, false },
		{ "172.16.0.0", true, false },
		{ "172.31.255.255", true, false },
		{ "172.32.0.0", false, false },
		{ "192.167.255.255", false, false },
		{ "192.168.0.0", true, false },
		{ "192.168.255.255", true, false },
		{ "192.169.0.0", false, false },
		{ "::", false, false },
		{ "::1", false, true },
		{ "::2", false, false },
		{ "2001:db8::1", false, false },
		{ "fbff::", false, false },
		{ "fc00::", true, false },
		{ "fdff::", true, false },
		{ "fe00::", false, false },
		{ "fe7f::", false, false },
		{ "fe80::", true, false },
		{ "febf::", true, false },
		{ "fec0::", false, false },
		{ "none", false, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address = address_parse(rows[i].text);
		assert_int_equal(address_is_private(&address), rows[i].private);
		assert_int_equal(address_is_loopback(&address), rows[i].loopback);
	}
}

static void sockets(void **state)
{
	(void)state;
	struct sockaddr_storage storage;
	uint16_t port = 0;

	struct address v4 = address_parse("10.1.0.4");
	assert_int_equal(address_to_sockaddr(&v4, 22, 9, &storage), sizeof(struct sockaddr_in));
	assert_int_equal(((struct sockaddr_in *)&storage)->sin_port, htons(22));
	struct address back = address_from_sockaddr((struct sockaddr *)&storage, &port);
	assert_true(address_equal(&back, &v4));
	assert_int_equal(port, 22);

	struct address v6 = address_parse("fe80::1");
	assert_int_equal(address_to_sockaddr(&v6, 40000, 9, &storage), sizeof(struct sockaddr_in6));
	assert_int_equal(((struct sockaddr_in6 *)&storage)->sin6_scope_id, 9);
	back = address_from_sockaddr((struct sockaddr *)&storage, &port);
	assert_true(address_equal(&back, &v6));
	assert_int_equal(port, 40000);
	back = address_from_sockaddr((struct sockaddr *)&storage, NULL);
	assert_true(address_equal(&back, &v6));

	struct address mapped = address_parse("::ffff:10.1.0.4");
	assert_int_equal(mapped.family, 6);
	address_to_sockaddr(&mapped, 22, 0, &storage);
	back = address_from_sockaddr((struct sockaddr *)&storage, &port);
	assert_true(address_equal(&back, &v4));

	struct address none = { 0 };
	assert_int_equal(address_to_sockaddr(&none, 22, 0, &storage), 0);
	storage.ss_family = AF_UNIX;
	back = address_from_sockaddr((struct sockaddr *)&storage, &port);
	assert_int_equal(back.family, 0);
	assert_int_equal(port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),    cmocka_unit_test(literals), cmocka_unit_test(equality),
		cmocka_unit_test(prefixes), cmocka_unit_test(ranges),	cmocka_unit_test(sockets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
