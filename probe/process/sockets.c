#include "process/sockets.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX 100000

/* -- the tables -------------------------------------------------------------------- */

/* The kernel prints addresses as 32-bit words in its own byte order. */
static bool read_address(const char *hex, struct address *address)
{
	size_t digits = strspn(hex, "0123456789ABCDEFabcdef");
	uint8_t bytes[16] = { 0 };
	if (digits != 8 && digits != 32)
		return false;
	for (size_t word = 0; word < digits / 8; word++) {
		char text[9] = "";
		memcpy(text, hex + word * 8, 8);
		uint32_t value = (uint32_t)strtoul(text, NULL, 16);
		memcpy(bytes + word * 4, &value, 4);
	}
	*address = digits == 8 ? address_v4(bytes) : address_v6(bytes);
	return true;
}

struct address sockets_unmapped(struct address address)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	if (address.family == 6 && memcmp(address.bytes, prefix, sizeof(prefix)) == 0)
		return address_v4(address.bytes + 12);
	return address;
}

bool sockets_line(const char *text, struct socket_line *line)
{
	char local[40], remote[40];
	unsigned local_port, remote_port, uid;
	/* sl local rem st tx:rx tr:when retrnsmt uid timeout inode */
	if (sscanf(text,
		   " %*u: %39[0-9A-Fa-f]:%4x %39[0-9A-Fa-f]:%4x %2x %*x:%*x %*x:%*x %*x %u %*u "
		   "%" SCNu64,
		   local, &local_port, remote, &remote_port, &line->state, &uid, &line->inode) != 7)
		return false;
	line->local_port = (uint16_t)local_port;
	line->remote_port = (uint16_t)remote_port;
	line->uid = uid;
	return read_address(local, &line->local) && read_address(remote, &line->remote);
}

bool sockets_open(struct socket_table *table, const char *proc, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/self/net/%s", proc, name);
	*table = (struct socket_table){ .file = fopen(path, "re"), .left = LINES_MAX };
	return table->file != NULL;
}

bool sockets_next(struct socket_table *table, struct socket_line *line)
{
	char text[512];
	while (table->left-- > 0 && fgets(text, sizeof(text), table->file) != NULL)
		if (sockets_line(text, line))
			return true;
	return false;
}

void sockets_close(struct socket_table *table)
{
	(void)fclose(table->file);
}

/* -- the processes ------------------------------------------------------------------ */

/* Root without capabilities may list another's descriptors, and not read them. */
static enum held look(DIR *folder, const char *wanted)
{
	char target[48];
	enum held held = HELD_NOT;
	const struct dirent *entry;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		ssize_t length =
			readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		if (length <= 0) {
			held = HELD_NOT_KNOWN;
			continue;
		}
		target[length] = '\0';
		if (strcmp(target, wanted) == 0)
			return HELD;
	}
	return held;
}

enum held sockets_held(const char *proc, const char *pid, uint64_t inode)
{
	char path[320], wanted[48];
	snprintf(path, sizeof(path), "%s/%s/fd", proc, pid);
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	DIR *folder = opendir(path);
	if (folder == NULL)
		return HELD_NOT_KNOWN;
	enum held held = look(folder, wanted);
	closedir(folder);
	return held;
}
