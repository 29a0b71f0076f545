/* What the user's own files say: ssh_config, modes in ~/.ssh, and who owns a port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/modes.h"
#include "local/owner.h"
#include "local/ssh_config.h"

static void write_file(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static int make_home(void **state)
{
	char *home = strdup("/tmp/home-XXXXXX"), path[64];
	if (home == NULL || mkdtemp(home) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/.ssh", home);
	*state = home;
	return mkdir(path, 0700);
}

static int remove_home(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	free(*state);
	return system(command);
}

/* -- ssh_config ------------------------------------------------------------------- */

static void read_config(const char *home, const char *text, struct ssh_config *config)
{
	char folder[128], path[160];
	struct config_reader reader = {
		.host = "vm.example", .local_user = "alice", .home = home, .config = config
	};
	memset(config, 0, sizeof(*config));
	snprintf(folder, sizeof(folder), "%s/.ssh", home);
	snprintf(path, sizeof(path), "%s/config", folder);
	write_file(folder, "config", text, 0600);
	assert_true(config_read(&reader, path, folder));
}

static void proxies(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* of the proxy, 0 none */
		bool certain;
	} rows[] = {
		{ "", 0, false },
		{ "ProxyJump bastion", 1, true },
		{ "# ProxyJump bastion\n\nproxyjump=bastion\n", 3, true },
		{ "Host *\n  ProxyCommand nc %h %p\n", 2, true },
		{ "Host other\nProxyJump a\nHost vm.example\nProxyJump b\n", 4, true },
		{ "Host *.example !vm.example\nProxyJump a\n", 0, false },
		{ "Host other vm.*\nProxyJump a\n", 2, true },
		{ "Host VM.EXAMPLE\nProxyJump a\n", 2, true },
		{ "Host \"vm.example\"\nProxyJump a\n", 2, true },
		{ "Host\nProxyJump a\n", 0, false },
		/* the first one stands, of either keyword */
		{ "ProxyJump none\nProxyCommand nc %h %p\n", 0, false },
		{ "ProxyCommand none\nProxyJump a\n", 0, false },
		{ "ProxyCommand nc\nProxyJump none\n", 1, true },
		/* Match */
		{ "Match all\nProxyJump a\n", 2, true },
		{ "Match host vm.*\nProxyJump a\n", 2, true },
		{ "Match host other,vm.example user alice\nProxyJump a\n", 2, true },
		{ "Match !host vm.*\nProxyJump a\n", 0, false },
		{ "Match originalhost vm.example\nProxyJump a\n", 2, true },
		{ "Match localuser bob\nProxyJump a\n", 0, false },
		{ "User bob\nMatch user bob\nProxyJump a\n", 3, true },
		{ "HostName real\nMatch host real\nProxyJump a\n", 3, true },
		{ "Match exec \"true\"\nProxyJump a\n", 2, false },
		{ "Match exec \"true\"\nProxyJump a\nMatch all\nProxyJump b\n", 4, true },
		{ "Match host other exec \"true\"\nProxyJump a\n", 0, false },
		{ "Match final\nProxyJump a\n", 2, false },
		{ "Match exec\nProxyJump a\n", 2, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ssh_config config;
		read_config(*state, rows[i].text, &config);
		const struct config_setting *proxy = config_proxy(&config);
		if ((proxy != NULL ? proxy->line : 0) != rows[i].line)
			fail_msg("row %zu: %s", i, rows[i].text);
		assert_true(proxy == NULL || proxy->certain == rows[i].certain);
	}
}

static void includes(void **state)
{
	struct ssh_config config;
	char folder[128], text[256];
	snprintf(folder, sizeof(folder), "%s/.ssh", (const char *)*state);
	write_file(folder, "one.conf", "Host vm.example\n\tProxyJump included\n", 0600);
	read_config(*state, "Include *.conf\nProxyJump later\n", &config);
	const struct config_setting *proxy = config_proxy(&config);
	assert_non_null(proxy);
	config_describe(proxy, text, sizeof(text));
	assert_non_null(strstr(text, "/.ssh/one.conf:2: ProxyJump included"));
	/* what Host says inside ends with the file; under one that does not apply, nothing counts
	 */
	read_config(*state, "Include ~/.ssh/one.conf\nUser u\n", &config);
	assert_true(config.setting[CONFIG_USER].set);
	read_config(*state, "Host other\nInclude one.conf\n", &config);
	assert_null(config_proxy(&config));
	/* under one that may apply, nothing is certain */
	read_config(*state, "Match exec true\nInclude one.conf\n", &config);
	assert_non_null(config_proxy(&config));
	assert_false(config_proxy(&config)->certain);
	/* a file that includes itself */
	read_config(*state, "Include config\nInclude /nowhere/*\nProxyJump a\n", &config);
	assert_non_null(config_proxy(&config));
}

static void values(void **state)
{
	struct ssh_config config;
	char out[512];
	read_config(*state,
		    "IdentityFile ~/.ssh/%u\nIdentityFile \"/etc/a key\"\nPort 2222\n"
		    "UserKnownHostsFile /a /b\nHostKeyAlias  alias # not this\n",
		    &config);
	struct config_reader reader = { .host = "h", .local_user = "alice", .home = "/home/a" };
	assert_int_equal(config.identity_count, 2);
	assert_true(config_expand(config.identity[0], &reader, out, sizeof(out)));
	assert_string_equal(out, "/home/a/.ssh/alice");
	assert_string_equal(config.identity[1], "/etc/a key");
	assert_string_equal(config.setting[CONFIG_PORT].value, "2222");
	assert_string_equal(config.setting[CONFIG_USER_KNOWN_HOSTS].value, "/a /b");
	assert_string_equal(config.setting[CONFIG_HOST_KEY_ALIAS].value, "alias");
	assert_true(config_expand("%d/%h%%", &reader, out, sizeof(out)));
	assert_string_equal(out, "/home/a/h%");
	assert_false(config_expand("%C", &reader, out, sizeof(out)));
	assert_false(config_expand("%", &reader, out, sizeof(out)));
	assert_false(config_expand("${HOME}/x", &reader, out, sizeof(out)));
	assert_false(config_expand("~bob/x", &reader, out, sizeof(out)));
	assert_false(config_expand("/long", &reader, out, 5));
}

/* -- modes ------------------------------------------------------------------------- */

#define KEY "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"

static void look(const char *home, struct ssh_config *config, struct modes *modes)
{
	struct config_reader reader = {
		.host = "vm.example", .local_user = "alice", .home = home, .config = config
	};
	modes_find(&reader, getuid(), modes);
}

static void modes_of_files(void **state)
{
	struct ssh_config config = { 0 };
	struct modes modes;
	char folder[128], text[600];
	snprintf(folder, sizeof(folder), "%s/.ssh", (const char *)*state);
	write_file(folder, "id_ed25519", KEY, 0600);
	write_file(folder, "id_ed25519.pub", "ssh-ed25519 AAAA\n", 0644);
	write_file(folder, "known_hosts", "", 0600); /* stricter is fine */
	write_file(folder, "notes", "nothing secret\n", 0666);
	write_file(folder, "config", "", 0644);
	look(*state, &config, &modes);
	assert_int_equal(modes.count, 0);
	assert_int_equal(modes.usable_keys, 1);

	write_file(folder, "azure.pem", KEY, 0640); /* a key nobody tries */
	look(*state, &config, &modes);
	assert_int_equal(modes.count, 1);
	assert_int_equal(modes.finding[0].severity, MODE_UNUSED);
	assert_int_equal(modes.refused_keys, 0);

	write_file(folder, "id_rsa", KEY, 0604);
	write_file(folder, "id_rsa.pub", "", 0666);
	look(*state, &config, &modes);
	assert_int_equal(modes.count, 3);
	assert_int_equal(modes.finding[0].severity, MODE_REFUSED);
	assert_int_equal(modes.finding[2].severity, MODE_DIFFERS);
	assert_int_equal(modes.refused_keys, 1);
	mode_describe(&modes.finding[0], text, sizeof(text));
	assert_non_null(strstr(text, "/.ssh/id_rsa has mode 604, not 600"));

	/* IdentityFile names the keys that are tried */
	config.identity_count = 1;
	snprintf(config.identity[0], sizeof(config.identity[0]), "~/.ssh/azure.pem");
	look(*state, &config, &modes);
	assert_int_equal(modes.refused_keys, 1);
	assert_int_equal(modes.usable_keys, 0);
	assert_non_null(strstr(modes.finding[0].path, "azure.pem"));
}

static void modes_of_config(void **state)
{
	struct ssh_config config = { 0 };
	struct modes modes;
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/.ssh", (const char *)*state);
	write_file(folder, "config", "", 0664);
	chmod(folder, 0755);
	look(*state, &config, &modes);
	assert_true(modes.config_refused);
	assert_int_equal(modes.count, 2);
	assert_int_equal(modes.finding[0].severity, MODE_REFUSED);
	assert_int_equal(modes.finding[1].severity, MODE_DIFFERS); /* ~/.ssh itself */
}

static void no_folder(void **state)
{
	(void)state;
	struct ssh_config config = { 0 };
	struct modes modes;
	look("/nowhere", &config, &modes);
	assert_int_equal(modes.count, 0);
}

/* -- owner ------------------------------------------------------------------------- */

static void lines_of_the_kernel(void **state)
{
	(void)state;
	struct address local = address_parse("127.0.0.1"), six = address_parse("::1");
	struct owner owner;
#define REST " 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000 100 0 0 10 0"
	static const struct {
		const char *line;
		bool four, six;
	} rows[] = {
		{ "   0: 00000000:22B8 00000000:0000 0A" REST, true, false },
		{ "   0: 0100007F:22B8 00000000:0000 0A" REST, true, false },
		{ "   0: 0200007F:22B8 00000000:0000 0A" REST, false, false },
		{ "   0: 0100007F:22B8 00000000:0000 01" REST, false, false },
		{ "   0: 0100007F:22B9 00000000:0000 0A" REST, false, false },
		{ " 120: 00000000000000000000000000000000:22B8 "
		  "00000000000000000000000000000000:0000 0A" REST,
		  true, true },
		{ "   0: 00000000000000000000000001000000:22B8 "
		  "00000000000000000000000000000000:0000 0A" REST,
		  false, true },
		{ "   0: 0000000000000000FFFF00000100007F:22B8 "
		  "00000000000000000000000000000000:0000 0A" REST,
		  true, false },
		{ "  sl  local_address rem_address   st tx_queue", false, false },
		{ "", false, false },
		{ "   0: 00:22B8 00000000:0000 0A" REST, false, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(owner_line(rows[i].line, &local, 8888, &owner), rows[i].four);
		assert_int_equal(owner_line(rows[i].line, &six, 8888, &owner), rows[i].six);
	}
	assert_true(owner_line(rows[0].line, &local, 8888, &owner));
	assert_int_equal(owner.inode, 4711);
	assert_int_equal(owner.uid, 1000);
}

static void owners(void **state)
{
	char folder[128], path[160], text[256];
	struct owner owner;
	struct address local = address_parse("127.0.0.1");
	const char *home = *state;
	snprintf(path, sizeof(path), "mkdir -p '%s/self/net' '%s/77/fd' '%s/88/fd'", home, home,
		 home);
	assert_int_equal(system(path), 0);
	snprintf(folder, sizeof(folder), "%s/self/net", home);
	write_file(folder, "tcp", "  sl\n   0: 0100007F:22B8 00000000:0000 0A" REST "\n", 0644);
	snprintf(folder, sizeof(folder), "%s/88", home);
	write_file(folder, "comm", "tinyproxy\n", 0644);
	snprintf(path, sizeof(path), "%s/88/fd/5", home);
	assert_int_equal(symlink("socket:[4711]", path), 0);
	snprintf(path, sizeof(path), "%s/88/exe", home);
	assert_int_equal(symlink("/usr/bin/tinyproxy", path), 0);
	owner_find(home, &local, 8888, &owner);
	owner_describe(&owner, 8888, text, sizeof(text));
	assert_string_equal(text,
			    "local port 8888 belongs to tinyproxy (pid 88, /usr/bin/tinyproxy)");
	owner_find(home, &local, 8889, &owner);
	owner_describe(&owner, 8889, text, sizeof(text));
	assert_string_equal(text, "nothing listens on local port 8889");
	snprintf(path, sizeof(path), "%s/88/fd/5", home);
	unlink(path);
	owner_find(home, &local, 8888, &owner);
	owner_describe(&owner, 8888, text, sizeof(text));
	assert_string_equal(text, "local port 8888 belongs to a process of uid 1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(proxies, make_home, remove_home),
		cmocka_unit_test_setup_teardown(includes, make_home, remove_home),
		cmocka_unit_test_setup_teardown(values, make_home, remove_home),
		cmocka_unit_test_setup_teardown(modes_of_files, make_home, remove_home),
		cmocka_unit_test_setup_teardown(modes_of_config, make_home, remove_home),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(lines_of_the_kernel),
		cmocka_unit_test_setup_teardown(owners, make_home, remove_home),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
