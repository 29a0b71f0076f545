/* Errors of this machine's own are no evidence: neither of names, nor of routes, nor of the way
 * out. */
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "observe/asked.h"
#include "sshwhy/shortage.h"

#define MS(n) ((int64_t)(n)*1000000)

static void errors_have_their_owners(void **state)
{
	(void)state;
	static const struct {
		int error;
		bool connect, send, receive, route;
	} rows[] = {
		{ 0, false, false, false, false },
		{ EMFILE, true, true, true, true },
		{ ENFILE, true, true, true, true },
		{ ENOMEM, true, true, true, true },
		{ ENOBUFS, true, true, true, true },
		{ EAGAIN, true, true, true, true },
		{ EINTR, true, true, true, true },
		{ EADDRNOTAVAIL, true, true, true, false }, /* an interface that leads nowhere */
		{ ERROR_UNTOLD, true, true, true, true },
		{ EPERM, false, false, true, true }, /* a firewall says it of what is sent */
		{ EACCES, false, false, false, false },
		{ ECONNREFUSED, false, false, false, false },
		{ ECONNRESET, false, false, false, false },
		{ ECONNABORTED, false, false, false, false },
		{ ETIMEDOUT, false, false, false, false },
		{ EHOSTUNREACH, false, false, false, false },
		{ ENETUNREACH, false, false, false, false },
		{ ENETDOWN, false, false, false, false },
		{ EINVAL, false, false, false, false }, /* a blackhole route */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_shortage(ASKED_CONNECT, rows[i].error) != rows[i].connect ||
		    is_shortage(ASKED_SEND, rows[i].error) != rows[i].send ||
		    is_shortage(ASKED_RECEIVE, rows[i].error) != rows[i].receive ||
		    is_shortage(ASKED_ROUTE, rows[i].error) != rows[i].route)
			fail_msg("row %zu: %s", i, strerror(rows[i].error));
}

/* -- what the observation makes of them ---------------------------------------------- */

struct scene {
	struct run run;
	struct facts facts;
	struct exchange exchange;
	struct observation observation;
};

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->run.planned = scene->run.named = true;
	scene->run.host = "vm.example";
	scene->run.port = 22;
	scene->run.address = address_parse("20.99.0.4");
	scene->exchange =
		(struct exchange){ .purpose = PURPOSE_SSH, .way = WAY_KERNEL, .remote_port = 22 };
	scene->observation = (struct observation){ .run = &scene->run,
						   .arena = &scene->run.arena,
						   .kernel = &scene->exchange,
						   .now_ns = MS(1000),
						   .facts = &scene->facts };
}

static void a_question_that_could_not_be_asked_tells_of_no_name(void **state)
{
	(void)state;
	static const struct {
		int error;
		enum answer expected;
	} rows[] = {
		{ EAI_NONAME, ANSWER_NAME_FAILED }, { EAI_AGAIN, ANSWER_NAME_FAILED },
		{ EAI_FAIL, ANSWER_NAME_FAILED },   { EAI_SYSTEM, ANSWER_NONE },
		{ EAI_MEMORY, ANSWER_NONE },	    { EAI_INTR, ANSWER_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		run_event(&scene.run,
			  &(struct event){ .kind = EVENT_RESOLVED, .error = rows[i].error });
		observe_name(&scene.observation);
		assert_int_equal(fact_answer(&scene.facts, QUESTION_NAME), rows[i].expected);
		run_free(&scene.run);
	}
}

static void a_lookup_that_fails_tells_of_no_route(void **state)
{
	(void)state;
	static const struct {
		int error;
		enum answer expected;
	} rows[] = {
		{ ENETUNREACH, ANSWER_ROUTE_REFUSED },
		{ EADDRNOTAVAIL, ANSWER_ROUTE_REFUSED },
		{ ENETDOWN, ANSWER_ROUTE_DOWN },
		{ 0, ANSWER_ROUTE_OK },
		{ ENOBUFS, ANSWER_NONE },
		{ EPERM, ANSWER_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		begin(&scene);
		run_event(&scene.run,
			  &(struct event){ .kind = EVENT_ROUTE, .error = rows[i].error });
		observe_route(&scene.observation);
		assert_int_equal(fact_answer(&scene.facts, QUESTION_ROUTE), rows[i].expected);
		run_free(&scene.run);
	}
}

static void a_connection_that_could_not_be_tried_tells_of_no_firewall(void **state)
{
	(void)state;
	static const struct {
		int error;
		enum answer expected;
	} rows[] = {
		{ EPERM, ANSWER_OUT_FORBIDDEN },
		{ EACCES, ANSWER_OUT_FORBIDDEN },
		{ ECONNREFUSED, ANSWER_OUT_REJECTED },
		{ EHOSTUNREACH, ANSWER_OUT_REJECTED },
		{ EMFILE, ANSWER_NONE },
		{ ENOMEM, ANSWER_NONE },
		{ ENOBUFS, ANSWER_NONE },
		{ EAGAIN, ANSWER_NONE },
		{ EADDRNOTAVAIL, ANSWER_NONE },
		{ ERROR_UNTOLD, ANSWER_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		struct track track = { .run = &scene.run };
		begin(&scene);
		scene.observation.track = &track;
		scene.exchange.answered = true;
		scene.exchange.connect_error = rows[i].error;
		observe_out(&scene.observation);
		if (fact_answer(&scene.facts, QUESTION_OUT) != rows[i].expected)
			fail_msg("%s", strerror(rows[i].error));
		run_free(&scene.run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_their_owners),
		cmocka_unit_test(a_question_that_could_not_be_asked_tells_of_no_name),
		cmocka_unit_test(a_lookup_that_fails_tells_of_no_route),
		cmocka_unit_test(a_connection_that_could_not_be_tried_tells_of_no_firewall),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
