/* What routers are called: whose they are, and where the organisation ends by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/name.h"
#include "observe/path.h"

static void names_of_the_cloud(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool cloud;
	} rows[] = {
		{ "ae25-0.icr02.sg3.ntwk.msn.net", true },
		{ "AE25-0.ICR02.SG3.NTWK.MSN.NET", true },
		{ "a.ntwk.msn.net", true },
		{ ".ntwk.msn.net", false },
		{ "ntwk.msn.net", false },
		{ "xntwk.msn.net", false },
		{ "ae25-0.icr02.sg3.ntwk.msn.net.evil.example", false },
		{ "", false },
		{ NULL, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (name_is_of_cloud(rows[i].name) != rows[i].cloud)
			fail_msg("%s", rows[i].name);
}

static void addresses_of_the_cloud(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool cloud;
	} rows[] = {
		{ "104.44.0.0", true },	      { "104.44.255.255", true },
		{ "104.43.255.255", false },  { "104.45.0.0", false },
		{ "2603:1000::1", true },     { "2603:10ff:ffff::1", true },
		{ "2603:fff:ffff::", false }, { "2603:1100::", false },
		{ "10.20.0.1", false },
	};
	struct run run = { .vantage = VANTAGE_CLIENT };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address = address_parse(rows[i].address);
		if (hop_is_of_cloud(&run, &address) != rows[i].cloud)
			fail_msg("%s", rows[i].address);
	}
}

static void call(struct run *run, const char *address, const char *name, bool denied)
{
	run_event(run,
		  &(struct event){
			  .kind = EVENT_NAME, .value = denied, .text = address, .detail = name });
}

/* A name tells whose a router is where it has that address, and never of a private address: those
 * who hold that say what they like. */
static void names_that_count(void **state)
{
	(void)state;
	static const char cloud[] = "ae25-0.icr02.sg3.ntwk.msn.net";
	static const struct {
		const char *address, *name;
		bool denied, counts;
	} rows[] = {
		{ "192.0.2.2", cloud, false, true },
		{ "192.0.2.2", cloud, true, false },
		{ "192.0.2.2", "ge-0-1.isp.example", false, false },
		{ "10.20.0.1", cloud, false, false },
		{ "172.16.0.1", cloud, false, false },
		{ "192.168.1.1", cloud, false, false },
		{ "100.64.0.1", cloud, false, false },
		{ "fd00::1", cloud, false, false },
		{ "fe80::1", cloud, false, false },
		{ "2001:db8:2::2", cloud, false, true },
		{ "2001:db8:2::2", cloud, true, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run = { .vantage = VANTAGE_CLIENT };
		struct address hop = address_parse(rows[i].address);
		call(&run, rows[i].address, rows[i].name, rows[i].denied);
		assert_string_equal(hop_name(&run, &hop), rows[i].name);
		if (hop_is_of_cloud(&run, &hop) != rows[i].counts)
			fail_msg("row %zu: %s", i, rows[i].address);
		run_free(&run);
	}
}

/* A site's own prefix is inside, unless the router's name says whose it is. */
static void a_name_ends_the_organisation(void **state)
{
	(void)state;
	struct run run = { .vantage = VANTAGE_CLIENT, .local_address = address_parse("192.0.2.9") };
	struct address hop = address_parse("192.0.2.2"), other = address_parse("10.20.0.1");
	assert_true(path_inside(&run, &hop));
	assert_null(hop_name(&run, &hop));
	call(&run, "10.20.0.1", "ae25-0.icr02.sg3.ntwk.msn.net", false);
	assert_true(path_inside(&run, &other));
	call(&run, "192.0.2.2", "ae25-0.icr02.sg3.ntwk.msn.net", false);
	assert_false(path_inside(&run, &hop));
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_the_cloud),
		cmocka_unit_test(addresses_of_the_cloud),
		cmocka_unit_test(names_that_count),
		cmocka_unit_test(a_name_ends_the_organisation),
	};
	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
