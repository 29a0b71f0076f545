/* explain: every cause has its row, and no value breaks out of its argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/escape.h"
#include "guide/shell.h"
#include "guide/template.h"
#include "report/page.h"
#include "sshwhy/explain.h"
#include "sshwhy/guide.h"

static const struct guide_values known = {
	.group = "rg1",
	.vm = "vm1",
	.client = "203.0.113.5",
	.host = "vm.example",
	.address = "20.99.0.4",
	.user = "azureuser",
	.interface = "eth0",
	.port = 22,
};

static char *slurp(FILE *stream, char **text)
{
	assert_int_equal(fclose(stream), 0);
	return *text;
}

static bool has_placeholder(const char *text)
{
	for (; *text != '\0'; text++)
		if (text[0] == '{' && text[1] >= 'a' && text[1] <= 'z')
			return true;
	return false;
}

/* -- the table -------------------------------------------------------------------- */

/* NULL: nothing. */
static const char *wrong_with(const struct guide_fix *fix, enum cause cause)
{
	const char *command = fix->command != NULL ? fix->command : "-";

	if (fix->cause != cause)
		return "is another cause's";
	if ((fix->shell == SHELL_NONE) != (shell_name(fix->shell) == NULL))
		return "has a shell without a name";
	if ((fix->shell == SHELL_NONE) != (fix->command == NULL))
		return "has a command without a shell, or a shell without a command";
	if (fix->text[0] == '\0' || !escape_is_clean(fix->text) || !escape_is_clean(command))
		return "is empty, or cannot be printed";
	if (has_placeholder(fix->text) || has_placeholder(command))
		return "has a placeholder that template.c does not know";
	return NULL;
}

static void check_fixes(enum cause cause, const struct guide_values *values)
{
	struct arena arena = { 0 };
	size_t count;
	const struct guide_fix *fixes = guide_fixes(&arena, cause, values, &count);

	if (cause == CAUSE_HEALTHY ? count != 0 : count < 1 || count > 4)
		fail_msg("fixes.def: %s has %zu FIX rows for a deployment, not 1 to 4",
			 cause_name(cause), count);
	for (size_t i = 0; i < count; i++)
		if (wrong_with(&fixes[i], cause) != NULL)
			fail_msg("fixes.def: %s, \"%s\" %s", cause_name(cause), fixes[i].text,
				 wrong_with(&fixes[i], cause));
	arena_free(&arena);
}

static void every_cause_has_fixes(void **state)
{
	struct guide_values classic = known;

	(void)state;
	classic.classic = true;
	for (unsigned cause = 0; cause < CAUSES; cause++) {
		check_fixes((enum cause)cause, NULL);
		check_fixes((enum cause)cause, &(struct guide_values){ 0 });
		check_fixes((enum cause)cause, &known);
		check_fixes((enum cause)cause, &classic);
	}
}

static void every_cause_is_explained(void **state)
{
	(void)state;
	for (unsigned cause = 0; cause < CAUSES; cause++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		explain_cause((enum cause)cause, out);
		slurp(out, &text);
		assert_non_null(strstr(text, cause_name((enum cause)cause)));
		assert_non_null(strstr(text, cause_title((enum cause)cause)));
		assert_false(has_placeholder(text));
		for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
			assert_true(escape_is_clean(line));
			assert_true(strlen(line) <= PAGE_WIDTH);
		}
		free(text);
	}
}

static void every_cause_is_one_json_line(void **state)
{
	(void)state;
	for (unsigned cause = 0; cause < CAUSES; cause++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		assert_true(explain_cause_json((enum cause)cause, out));
		slurp(out, &text);
		assert_ptr_equal(strchr(text, '\n'), text + size - 1);
		json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_string_equal(json_string_value(json_object_get(root, "schema")),
				    "sshwhy.explain/1");
		assert_string_equal(json_string_value(json_object_get(root, "cause")),
				    cause_name((enum cause)cause));
		assert_int_equal(json_integer_value(json_object_get(root, "source")),
				 cause_source((enum cause)cause));
		assert_true(json_string_length(json_object_get(root, "means")) > 0);
		assert_true(json_is_array(json_object_get(root, "checks")));
		assert_true(json_is_array(json_object_get(root, "fixes")));
		assert_false(has_placeholder(json_string_value(json_object_get(root, "means"))));
		json_decref(root);
		free(text);
	}
}

static void the_list_names_every_cause_under_its_source(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	explain_list(out);
	slurp(out, &text);
	const char *nsg = strstr(text, "source 4, Network security groups (nsg)");
	const char *vm = strstr(text, "source 5, ");
	assert_non_null(nsg);
	assert_non_null(vm);
	const char *deny = strstr(text, "\n  nsg.deny ");
	assert_true(nsg < deny && deny < vm);
	for (unsigned cause = 0; cause < CAUSES; cause++)
		assert_non_null(strstr(text, cause_name((enum cause)cause)));
	free(text);
}

/* -- what fits -------------------------------------------------------------------- */

static const char *command(struct arena *arena, enum cause cause, size_t index,
			   const struct guide_values *values)
{
	size_t count;
	const struct guide_fix *fixes = guide_fixes(arena, cause, values, &count);

	assert_true(index < count);
	return fixes[index].command;
}

static void nsg_rule_names_the_address_the_cloud_sees(void **state)
{
	static const char shape[] =
		"az network nsg rule create -g rg1 --nsg-name <nsg-name> -n AllowSSH "
		"--priority 300 --direction Inbound --access Allow --protocol Tcp "
		"--source-address-prefixes %s --source-port-ranges '*' "
		"--destination-port-ranges %u";
	static const struct {
		const char *client, *prefix;
	} rows[] = {
		{ "203.0.113.5", "203.0.113.5/32" },
		{ "2001:db8::5", "2001:db8::5/128" },
		{ "10.20.0.10", "<your-public-ip>/32" },
		{ "100.64.1.1", "<your-public-ip>/32" },
		{ "127.0.0.1", "<your-public-ip>/32" },
		{ "fd00::1", "<your-public-ip>/32" },
		{ "not an address", "<your-public-ip>/32" },
		{ NULL, "<your-public-ip>/32" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena arena = { 0 };
		struct guide_values values = known;
		char expected[400];

		values.client = rows[i].client;
		values.port = 2222;
		snprintf(expected, sizeof expected, shape, rows[i].prefix, 2222U);
		assert_string_equal(command(&arena, CAUSE_NSG_DENY, 0, &values), expected);
		arena_free(&arena);
	}
}

static void endpoint_fixes_follow_the_deployment(void **state)
{
	struct arena arena = { 0 };
	struct guide_values classic = known;
	size_t count;

	(void)state;
	classic.classic = true;
	assert_string_equal(command(&arena, CAUSE_ENDPOINT_MISSING, 1, &classic),
			    "azure vm endpoint create vm1 22 22 -n SSH");
	assert_string_equal(command(&arena, CAUSE_ENDPOINT_ACL, 1, &classic),
			    "azure vm endpoint acl-rule create vm1 ssh 0 permit 203.0.113.5/32");
	for (unsigned cause = 0; cause < CAUSES; cause++) {
		const struct guide_fix *fixes =
			guide_fixes(&arena, (enum cause)cause, &known, &count);
		for (size_t i = 0; i < count; i++)
			assert_true(fixes[i].shell != SHELL_AZURE_CLASSIC);
	}
	arena_free(&arena);
}

static void commands_are_those_of_the_map(void **state)
{
	struct arena arena = { 0 };
	struct guide_values values = known;

	(void)state;
	assert_string_equal(command(&arena, CAUSE_VM_SSHD_DOWN, 0, &known),
			    "az vm run-command invoke -g rg1 -n vm1 --command-id RunShellScript "
			    "--scripts 'sshd -t; systemctl start ssh || systemctl start sshd; "
			    "ss -ltnp'");
	assert_string_equal(command(&arena, CAUSE_VM_SSHD_DOWN, 1, &known),
			    "az vm user reset-ssh -g rg1 -n vm1");
	assert_string_equal(command(&arena, CAUSE_VM_SSHD_DOWN, 2, &known),
			    "Set-AzVMExtension -ResourceGroupName rg1 -VMName vm1 "
			    "-Location <location> -Name VMAccessForLinux "
			    "-Publisher Microsoft.OSTCExtensions -ExtensionType VMAccessForLinux "
			    "-TypeHandlerVersion 1.5 -SettingString '{}' "
			    "-ProtectedSettingString '{\"reset_ssh\":true}'");
	assert_string_equal(command(&arena, CAUSE_NSG_DENY, 2, &known),
			    "az network watcher test-ip-flow -g rg1 --vm vm1 --nic <nic-name> "
			    "--direction Inbound --protocol TCP --local <vm-private-ip>:22 "
			    "--remote 203.0.113.5:50000");
	assert_string_equal(command(&arena, CAUSE_CLIENT_KEY_PERMISSIONS, 0, &known),
			    "chmod 700 ~/.ssh");
	values.port = 2222;
	assert_string_equal(command(&arena, CAUSE_CLIENT_KNOWN_HOSTS, 1, &values),
			    "ssh-keygen -R '[vm.example]:2222'");
	assert_string_equal(template_fill(&arena, "sshwhy probe {target}", SHELL_SH, &values),
			    "sshwhy probe vm.example:2222");
	values.address = "2001:db8::4";
	assert_string_equal(
		command(&arena, CAUSE_CLIENT_FIREWALL_OUT, 1, &values),
		"sudo ip6tables -I OUTPUT -p tcp -d 2001:db8::4 --dport 2222 -j ACCEPT");
	values.host = NULL;
	assert_string_equal(template_fill(&arena, "sshwhy probe {target}", SHELL_SH, &values),
			    "sshwhy probe '[2001:db8::4]:2222'");
	arena_free(&arena);
}

/* -- hostile values --------------------------------------------------------------- */

static void unusable_values_stay_placeholders(void **state)
{
	static const char *const values[] = {
		"", "-rf", "--yes", "a\nb", "\033[2J", "a\x01", "\xff\xfe", "\u202eabc",
	};
	char longer[300];

	(void)state;
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	for (size_t i = 0; i <= sizeof values / sizeof values[0]; i++) {
		struct arena arena = { 0 };
		struct guide_values with = { .group = longer, .vm = "vm1" };

		if (i < sizeof values / sizeof values[0])
			with.group = values[i];
		assert_string_equal(
			template_fill(&arena, "az -g {group} -n {vm}", SHELL_AZURE_CLI, &with),
			"az -g <resource-group> -n vm1");
		arena_free(&arena);
	}
}

/* What /bin/sh makes of `line`: the arguments that reach az, one a line. */
static void arguments(const char *line, char *out, size_t size)
{
	char script[4096];

	snprintf(script, sizeof script,
		 "az() { for a in \"$@\"; do printf '%%s\\n' \"$a\"; done; }\n%s", line);
	assert_int_equal(setenv("SSHWHY_TEST_SCRIPT", script, 1), 0);
	FILE *pipe = popen("sh -c \"$SSHWHY_TEST_SCRIPT\"", "r");
	assert_non_null(pipe);
	out[fread(out, 1, size - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

static void sh_takes_a_quoted_value_as_one_argument(void **state)
{
	static const char *const values[] = {
		"plain-name_1.x", "two words",	"'; rm -rf /; '", "it's",   "''",  "'",
		"$(id)",	  "`id`",	"a\"b",		  "a\\",    "*",   "~root",
		"a;b&c|d>e<f",	  "#comment",	"$HOME",	  "\u2019", "a=b", "!!",
		"\\'; id; '",	  "'\"'\"; id", "x' -o 'y",
	};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct arena arena = { 0 };
		struct guide_values with = { .group = values[i], .vm = "vm1" };
		char expected[600];
		char got[600];

		arguments(template_fill(&arena, "az vm start -g {group} -n {vm}", SHELL_AZURE_CLI,
					&with),
			  got, sizeof got);
		snprintf(expected, sizeof expected, "vm\nstart\n-g\n%s\n-n\nvm1\n", values[i]);
		assert_string_equal(got, expected);
		arena_free(&arena);
	}
}

static void only_letters_and_the_like_go_unquoted(void **state)
{
	(void)state;
	for (char c = ' '; c < 127; c++) {
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("._:/-", c) != NULL;
		const char value[] = { 'a', c, 'b', '\0' };

		assert_int_equal(shell_is_plain(value), plain);
	}
	assert_false(shell_is_plain(""));
	assert_false(shell_is_plain("caf\u00e9"));
}

static void powershell_quotes_are_doubled(void **state)
{
	static const struct {
		const char *value, *quoted;
	} rows[] = {
		{ "plain", "plain" },
		{ "two words", "'two words'" },
		{ "'; rm -rf", "'''; rm -rf'" },
		{ "it\u2019s", "'it\u2019\u2019s'" },
		{ "\u2018a\u201b", "'\u2018\u2018a\u201b\u201b'" },
		{ "$(id)`n", "'$(id)`n'" },
		{ "a\\", "'a\\'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char out[100];

		assert_true(shell_quote(SHELL_POWERSHELL, rows[i].value, out, sizeof out));
		assert_string_equal(out, rows[i].quoted);
	}
}

static void quoting_fits_or_fails(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 10; size++) {
		char out[10];

		/* ''\''' and the NUL: seven bytes */
		assert_int_equal(shell_quote(SHELL_SH, "'", out, size), size >= 7);
		assert_int_equal(shell_quote(SHELL_SH, "abc", out, size), size >= 4);
	}
}

static void nothing_but_plain_values_goes_inside_quotes(void **state)
{
	struct arena arena = { 0 };
	struct guide_values with = { .user = "x'; id; '" };

	(void)state;
	assert_string_equal(
		template_fill(&arena, "az --scripts 'passwd -S {user}'", SHELL_AZURE_CLI, &with),
		"az --scripts 'passwd -S <user>'");
	with.user = "root";
	assert_string_equal(
		template_fill(&arena, "az --scripts 'passwd -S {user}'", SHELL_AZURE_CLI, &with),
		"az --scripts 'passwd -S root'");
	arena_free(&arena);
}

static void values_are_filled_in_once(void **state)
{
	struct arena arena = { 0 };
	struct guide_values with = { .group = "{vm}", .vm = "{group}" };

	(void)state;
	assert_string_equal(
		template_fill(&arena, "{group} {vm} {none} {\"a\":1} {}", SHELL_SH, &with),
		"'{vm}' '{group}' {none} {\"a\":1} {}");
	arena_free(&arena);
}

/* -- long commands ---------------------------------------------------------------- */

static void folded_commands_paste_as_they_were(void **state)
{
	struct guide_values values = known;

	(void)state;
	values.group = "a group with 'quotes' and   spaces, long enough to be folded somewhere";
	for (unsigned cause = 0; cause < CAUSES; cause++) {
		struct arena arena = { 0 };
		size_t count;
		const struct guide_fix *fixes =
			guide_fixes(&arena, (enum cause)cause, &values, &count);

		for (size_t i = 0; i < count; i++) {
			char whole[4096];
			char folded[4096];
			char *text = NULL;
			size_t size = 0;
			struct page page = { .out = open_memstream(&text, &size) };

			page_command(&page, 6, fixes[i].shell,
				     fixes[i].command != NULL ? fixes[i].command : "");
			slurp(page.out, &text);
			/* What still needs the reader is no command yet. */
			if (fixes[i].command != NULL && strchr(fixes[i].command, '<') == NULL &&
			    fixes[i].shell == SHELL_AZURE_CLI) {
				arguments(fixes[i].command, whole, sizeof whole);
				arguments(text, folded, sizeof folded);
				assert_string_equal(whole, folded);
				assert_non_null(strstr(whole, values.group));
			}
			free(text);
		}
		arena_free(&arena);
	}
}

static void folding_keeps_quotes_whole(void **state)
{
	char *text = NULL;
	size_t size = 0;
	struct page page = { .out = open_memstream(&text, &size) };

	(void)state;
	page_command(&page, 2, SHELL_POWERSHELL,
		     "Set-Something -Name 'one argument with many words in it, and it''s long' "
		     "-Other \"another `\" with many words in it\" -Last value");
	slurp(page.out, &text);
	assert_string_equal(
		text,
		"  Set-Something -Name 'one argument with many words in it, and it''s long' `\n"
		"      -Other \"another `\" with many words in it\" -Last value\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_fixes),
		cmocka_unit_test(every_cause_is_explained),
		cmocka_unit_test(every_cause_is_one_json_line),
		cmocka_unit_test(the_list_names_every_cause_under_its_source),
		cmocka_unit_test(nsg_rule_names_the_address_the_cloud_sees),
		cmocka_unit_test(endpoint_fixes_follow_the_deployment),
		cmocka_unit_test(commands_are_those_of_the_map),
		cmocka_unit_test(unusable_values_stay_placeholders),
		cmocka_unit_test(sh_takes_a_quoted_value_as_one_argument),
		cmocka_unit_test(only_letters_and_the_like_go_unquoted),
		cmocka_unit_test(powershell_quotes_are_doubled),
		cmocka_unit_test(quoting_fits_or_fails),
		cmocka_unit_test(nothing_but_plain_values_goes_inside_quotes),
		cmocka_unit_test(values_are_filled_in_once),
		cmocka_unit_test(folded_commands_paste_as_they_were),
		cmocka_unit_test(folding_keeps_quotes_whole),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
