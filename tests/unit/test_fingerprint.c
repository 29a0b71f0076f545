/* Fingerprints of host keys, and their types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peers.h"
#include "sshwhy/fingerprint.h"

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
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_key_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
