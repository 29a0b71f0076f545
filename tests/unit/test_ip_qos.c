/* probe/user/ip_qos: what ssh's IPQoS comes to in a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/ip_qos.h"

static void words_are_marks(void **state)
{
	(void)state;
	static const struct {
		const char *ip_qos;
		uint8_t mark;
	} rows[] = {
		{ "lowdelay throughput", 0x10 },
		{ "af21 cs1", 0x48 },
		{ "EF none", 0xb8 },
		{ "none none", 0 },
		{ "cs0", 0 },
		{ "none ef", 0 },
		{ "0x48", 0x48 },
		{ "184", 0xb8 },
		{ "0x4b", 0x48 },
		{ "256", 0 },
		{ "-1", 0 },
		{ "", 0 },
		{ "nonsense", 0 },
		{ "8x", 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ip_qos_mark(rows[i].ip_qos), rows[i].mark);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words_are_marks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
