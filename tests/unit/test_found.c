/* What the user's own files say: where ssh_config sets something, modes in ~/.ssh, and who owns a
 * port. */
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

#include "process/holder.h"
#include "process/owner.h"
#include "user/modes.h"
#include "user/ssh_config.h"

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

/* The line that is quoted for ProxyJump. */
static const struct config_setting *jump_in(const struct ssh_config *config)
{
	const struct config_setting *jump = &config->setting[CONFIG_PROXY_JUMP];
	return jump->set ? jump : NULL;
}

static void lines(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* that is quoted, 0 none */
		bool certain;
	} rows[] = {
		{ "", 0, false },
		{ "ProxyJump bastion", 1, true },
		{ "# ProxyJump bastion\n\nproxyjump=bastion\n", 3, true },
		{ "Host *\n  ProxyJump bastion\n", 2, true },
		{ "Host other\nProxyJump a\nHost vm.example\nProxyJump b\n", 4, true },
		{ "Host *.example !vm.example\nProxyJump a\n", 0, false },
		{ "Host other vm.*\nProxyJump a\n", 2, true },
		{ "Host VM.EXAMPLE\nProxyJump a\n", 2, true },
		{ "Host \"vm.example\"\nProxyJump a\n", 2, true },
		{ "Host\nProxyJump a\n", 0, false },
		/* the first one stands */
		{ "ProxyJump none\nProxyJump a\n", 1, true },
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
		const struct config_setting *jump = jump_in(&config);
		if ((jump != NULL ? jump->line : 0) != rows[i].line)
			fail_msg("row %zu: %s", i, rows[i].text);
		assert_true(jump == NULL || jump->certain == rows[i].certain);
	}
}

static void includes(void **state)
{
	struct ssh_config config;
	char folder[128], text[256];
	snprintf(folder, sizeof(folder), "%s/.ssh", (const char *)*state);
	write_file(folder, "one.conf", "Host vm.example\n\tProxyJump included\n", 0600);
	read_config(*state, "Include *.conf\nProxyJump later\n", &config);
	const struct config_setting *proxy = jump_in(&config);
	assert_non_null(proxy);
	config_describe(proxy, text, sizeof(text));
	assert_non_null(strstr(text, "/.ssh/one.conf:2: ProxyJump included"));
	/* what Host says inside ends with the file; under one that does not apply, nothing counts
	 */
	read_config(*state, "Include ~/.ssh/one.conf\nUser u\n", &config);
	assert_true(config.setting[CONFIG_USER].set);
	read_config(*state, "Host other\nInclude one.conf\n", &config);
	assert_null(jump_in(&config));
	/* under one that may apply, nothing is certain */
	read_config(*state, "Match exec true\nInclude one.conf\n", &config);
	assert_non_null(jump_in(&config));
	assert_false(jump_in(&config)->certain);
	/* a file that includes itself */
	read_config(*state, "Include config\nInclude /nowhere/*\nProxyJump a\n", &config);
	assert_non_null(jump_in(&config));
}

static void values(void **state)
{
	struct ssh_config config;
	read_config(*state, "Port 2222 # not this\nHostName \"a b\"\n", &config);
	assert_string_equal(config.setting[CONFIG_PORT].value, "2222");
	assert_string_equal(config.setting[CONFIG_HOST_NAME].value, "a b");
	assert_false(config.setting[CONFIG_CIPHERS].set);
}

/* -- modes ------------------------------------------------------------------------- */

#define KEY "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"

/* As ssh with its own names of keys, or with one that IdentityFile names. */
static void look(const char *home, const char *identity, struct modes *modes)
{
	struct person person = { .uid = getuid(), .name = "alice" };
	struct typed typed = { .host = "vm.example" };
	struct settings settings;
	snprintf(person.home, sizeof(person.home), "%s", home);
	settings_assume(&settings, &typed, &person);
	if (identity != NULL) {
		settings.identity_count = 1;
		snprintf(settings.identity[0], sizeof(settings.identity[0]), "%s", identity);
	}
	modes_find(&settings, &person, modes);
}

static void modes_of_files(void **state)
{
	struct modes modes;
	char folder[128], text[600];
	snprintf(folder, sizeof(folder), "%s/.ssh", (const char *)*state);
	write_file(folder, "id_ed25519", KEY, 0600);
	write_file(folder, "id_ed25519.pub", "ssh-ed25519 AAAA\n", 0644);
	write_file(folder, "known_hosts", "", 0600); /* stricter is fine */
	write_file(folder, "notes", "nothing secret\n", 0666);
	write_file(folder, "config", "", 0644);
	look(*state, NULL, &modes);
	assert_int_equal(modes.count, 0);
	assert_int_equal(modes.usable_keys, 1);

	write_file(folder, "azure.pem", KEY, 0640); /* a key nobody tries */
	look(*state, NULL, &modes);
	assert_int_equal(modes.count, 1);
	assert_int_equal(modes.finding[0].severity, MODE_UNUSED);
	assert_int_equal(modes.refused_keys, 0);

	write_file(folder, "id_rsa", KEY, 0604);
	write_file(folder, "id_rsa.pub", "", 0666);
	look(*state, NULL, &modes);
	assert_int_equal(modes.count, 3);
	assert_int_equal(modes.finding[0].severity, MODE_REFUSED);
	assert_int_equal(modes.finding[2].severity, MODE_DIFFERS);
	assert_int_equal(modes.refused_keys, 1);
	mode_describe(&modes.finding[0], text, sizeof(text));
	assert_non_null(strstr(text, "/.ssh/id_rsa has mode 604, not 600"));

	/* IdentityFile names the keys that are tried */
	look(*state, "~/.ssh/azure.pem", &modes);
	assert_int_equal(modes.refused_keys, 1);
	assert_int_equal(modes.usable_keys, 0);
	assert_non_null(strstr(modes.finding[0].path, "azure.pem"));
}

static void modes_of_config(void **state)
{
	struct modes modes;
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/.ssh", (const char *)*state);
	write_file(folder, "config", "", 0664);
	chmod(folder, 0755);
	look(*state, NULL, &modes);
	assert_true(modes.config_refused);
	assert_int_equal(modes.count, 2);
	assert_int_equal(modes.finding[0].severity, MODE_REFUSED);
	assert_int_equal(modes.finding[1].severity, MODE_DIFFERS); /* ~/.ssh itself */
}

static void no_folder(void **state)
{
	(void)state;
	struct modes modes;
	look("/nowhere", NULL, &modes);
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

/* Process 400 and what it has started: 401, 402 below that. Who may not be looked into has a
 * descriptor that is no link. */
static void write_tree(const char *home)
{
	static const char *const words[][2] = { { "400/task/400", "401 " },
						{ "401/task/401", "402 " },
						{ "402/task/402", "" } };
	char path[192];
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "mkdir -p '%s/%s' '%s/%.3s/fd' '%s/self/net'", home,
			 words[i][0], home, words[i][0], home);
		assert_int_equal(system(path), 0);
		snprintf(path, sizeof(path), "%s/%s", home, words[i][0]);
		write_file(path, "children", words[i][1], 0644);
	}
	snprintf(path, sizeof(path), "%s/self/net", home);
	write_file(path, "tcp",
		   "  sl\n"
		   "   0: 0A00140A:9C40 0400630A:0016 01" REST "\n"
		   "   1: 0A00140A:9C41 0400630A:0016 06 00000000:00000000 00:00000000 00000000  "
		   "1000        0 0 1\n",
		   0644);
	write_file(path, "tcp6",
		   "   0: 0000000000000000FFFF00000A00140A:9C42 "
		   "0000000000000000FFFF00000400630A:0016 01" REST "\n",
		   0644);
}

static enum held held_by_400(const char *home, uint16_t local_port)
{
	struct socket_ends ends = { local_port, 22, address_parse("10.99.0.4") };
	return holder_is(home, 400, &ends);
}

static void holders(void **state)
{
	char path[160];
	const char *home = *state;
	write_tree(home);
	assert_int_equal(held_by_400(home, 40000), HELD_NOT);
	assert_int_equal(held_by_400(home, 40001), HELD_NOT_KNOWN); /* nobody's any more */
	assert_int_equal(held_by_400(home, 40003), HELD_NOT_KNOWN); /* there is none */
	snprintf(path, sizeof(path), "%s/402/fd/3", home);
	assert_int_equal(symlink("socket:[4711]", path), 0);
	assert_int_equal(held_by_400(home, 40000), HELD);
	assert_int_equal(held_by_400(home, 40002), HELD); /* IPv4 in IPv6's form */
	unlink(path);
	snprintf(path, sizeof(path), "%s/401/fd", home);
	write_file(path, "3", "", 0644);
	assert_int_equal(held_by_400(home, 40000), HELD_NOT_KNOWN);
}

/* Lines of the kernel's table, one for each port: bound to every address, to one, ... */
static void write_tables(const char *home)
{
#define AT(port, inode)                                                                            \
	"   0: " port                                                                              \
	" 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 " inode           \
	" 1 0000 100 0 0 10 0\n"
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/self/net", home);
	write_file(folder, "tcp",
		   "  sl\n" AT("00000000:0016", "1") AT("00000000:0050", "2")
			   AT("0400010A:1F56", "3") AT("0500010A:1F57", "3")
				   AT("00000000:08AE", "4") AT("00000000:0FA0", "5"),
		   0644);
	write_file(
		folder, "tcp6",
		"  sl\n   0: 00000000000000000000000000000000:08AE "
		"00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 "
		"    0        0 6 1 0000 100 0 0 10 0\n",
		0644);
}

static void add_process(const char *home, const char *pid, const char *name, const char *inode)
{
	char folder[128], path[160], target[64];
	snprintf(path, sizeof(path), "mkdir -p '%s/%s/fd'", home, pid);
	assert_int_equal(system(path), 0);
	snprintf(folder, sizeof(folder), "%s/%s", home, pid);
	write_file(folder, "comm", name, 0644);
	snprintf(path, sizeof(path), "%s/%s/fd/5", home, pid);
	snprintf(target, sizeof(target), "socket:[%s]", inode);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof(path), "%s/%s/exe", home, pid);
	snprintf(target, sizeof(target), "/usr/sbin/%s", name);
	target[strcspn(target, "\n")] = '\0';
	assert_int_equal(symlink(target, path), 0);
}

/* Of who listens on the address: not the port that was asked for, not who has another
 * name; those with the name of an SSH server first. */
static void who_may_be_an_ssh_server(void **state)
{
	char text[256], path[160];
	const char *home = *state;
	struct listeners listeners;
	struct address local = address_parse("10.1.0.4"), six = address_parse("2001:db8:99::4");
	assert_false(listeners_find(home, &local, 22, &listeners));
	snprintf(path, sizeof(path), "mkdir -p '%s/self/net'", home);
	assert_int_equal(system(path), 0);
	write_tables(home);
	add_process(home, "70", "nginx\n", "2");
	add_process(home, "80", "sshd\n", "3");
	add_process(home, "90", "systemd\n", "4");
	assert_true(listeners_find(home, &local, 22, &listeners));
	assert_int_equal(listeners.count, 3);
	listener_describe(&listeners.listener[0], text, sizeof(text));
	assert_string_equal(text, "sshd (pid 80, /usr/sbin/sshd) listens on port 8022");
	listener_describe(&listeners.listener[1], text, sizeof(text));
	assert_string_equal(text, "systemd (pid 90, /usr/sbin/systemd) listens on port 2222");
	listener_describe(&listeners.listener[2], text, sizeof(text));
	assert_string_equal(text, "a process of uid 0 listens on port 4000");
	assert_true(listeners_find(home, &six, 22, &listeners));
	assert_int_equal(listeners.count, 1);
	assert_int_equal(listeners.listener[0].port, 2222);
	assert_true(listeners_find(home, &six, 2222, &listeners));
	assert_int_equal(listeners.count, 0);
}

/* The service that systemd handed its socket to counts, whichever is found first. */
static void systemd_hands_on(void **state)
{
	const char *home = *state;
	char path[160];
	struct listeners listeners;
	struct address local = address_parse("10.1.0.4");
	snprintf(path, sizeof(path), "mkdir -p '%s/self/net'", home);
	assert_int_equal(system(path), 0);
	write_tables(home);
	add_process(home, "1", "systemd\n", "4");
	add_process(home, "80", "sshd\n", "4");
	assert_true(listeners_find(home, &local, 22, &listeners));
	assert_int_equal(listeners.listener[0].port, 2222);
	assert_string_equal(listeners.listener[0].owner.name, "sshd");
}

/* However many there are, the one with the name is kept, and comes first. */
static void many_listeners(void **state)
{
	const char *home = *state;
	char table[4096] = "  sl\n", folder[128], path[160];
	struct listeners listeners;
	struct address local = address_parse("10.1.0.4");
	snprintf(folder, sizeof(folder), "%s/self/net", home);
	snprintf(path, sizeof(path), "mkdir -p '%s'", folder);
	assert_int_equal(system(path), 0);
	for (unsigned i = 0; i < 30; i++) {
		size_t used = strlen(table);
		snprintf(table + used, sizeof(table) - used,
			 "   0: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 "
			 "00000000 0 0 %u 1 0\n",
			 5000 + i, 100 + i);
	}
	write_file(folder, "tcp", table, 0644);
	add_process(home, "80", "dropbear\n", "129");
	assert_true(listeners_find(home, &local, 22, &listeners));
	assert_int_equal(listeners.count, LISTENERS_MAX);
	assert_int_equal(listeners.listener[0].port, 5029);
	assert_int_equal(listeners.listener[1].port, 5022);
	assert_int_equal(listeners.listener[2].port, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines, make_home, remove_home),
		cmocka_unit_test_setup_teardown(includes, make_home, remove_home),
		cmocka_unit_test_setup_teardown(values, make_home, remove_home),
		cmocka_unit_test_setup_teardown(modes_of_files, make_home, remove_home),
		cmocka_unit_test_setup_teardown(modes_of_config, make_home, remove_home),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(lines_of_the_kernel),
		cmocka_unit_test_setup_teardown(holders, make_home, remove_home),
		cmocka_unit_test_setup_teardown(owners, make_home, remove_home),
		cmocka_unit_test_setup_teardown(who_may_be_an_ssh_server, make_home, remove_home),
		cmocka_unit_test_setup_teardown(systemd_hands_on, make_home, remove_home),
		cmocka_unit_test_setup_teardown(many_listeners, make_home, remove_home),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
