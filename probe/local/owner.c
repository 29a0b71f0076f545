#include "local/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX     100000
#define PROCESSES_MAX 50000

enum { LISTENING = 10 }; /* TCP_LISTEN */

/* -- the socket ------------------------------------------------------------------- */

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

/* ::ffff:1.2.3.4 is the IPv4 address it holds. */
static struct address unmapped(struct address address)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	if (address.family == 6 && memcmp(address.bytes, prefix, sizeof(prefix)) == 0)
		return address_v4(address.bytes + 12);
	return address;
}

/* A socket bound to the wildcard address takes every address of its family, and "::"
 * takes IPv4 as well unless it was told not to. */
static bool takes(struct address bound, const struct address *address)
{
	static const uint8_t zero[16] = { 0 };
	if (memcmp(bound.bytes, zero, sizeof(zero)) == 0)
		return bound.family == address->family || bound.family == 6;
	bound = unmapped(bound);
	return address_equal(&bound, address);
}

bool owner_line(const char *line, const struct address *address, uint16_t port, struct owner *owner)
{
	char local[40];
	unsigned local_port, state, uid;
	uint64_t inode;
	struct address bound;
	/* sl local rem st tx:rx tr:when retrnsmt uid timeout inode */
	if (sscanf(line,
		   " %*u: %39[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*x:%*x %*x:%*x %*x %u %*u "
		   "%" SCNu64,
		   local, &local_port, &state, &uid, &inode) != 5)
		return false;
	if (state != LISTENING || local_port != port || !read_address(local, &bound) ||
	    !takes(bound, address))
		return false;
	owner->uid = uid;
	owner->inode = inode;
	return true;
}

static bool find_socket(const char *proc, const char *table, const struct address *address,
			uint16_t port, struct owner *owner)
{
	char path[256], line[512];
	snprintf(path, sizeof(path), "%s/self/net/%s", proc, table);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	for (unsigned i = 0; !owner->listens && i < LINES_MAX && fgets(line, sizeof(line), file);
	     i++)
		owner->listens = owner_line(line, address, port, owner);
	fclose(file);
	return owner->listens;
}

/* -- the process ------------------------------------------------------------------ */

static bool holds(int fds, uint64_t inode)
{
	char wanted[48], target[48];
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	DIR *folder = fdopendir(fds);
	const struct dirent *entry;
	bool found = false;
	if (folder == NULL) {
		close(fds);
		return false;
	}
	while (!found && (entry = readdir(folder)) != NULL) {
		ssize_t length = readlinkat(fds, entry->d_name, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(folder);
	return found;
}

static void read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, text, room - 1) : 0;
	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static void name_process(const char *proc, const char *pid, struct owner *owner)
{
	char path[320];
	owner->pid = (pid_t)strtol(pid, NULL, 10);
	snprintf(path, sizeof(path), "%s/%s/comm", proc, pid);
	read_text(path, owner->name, sizeof(owner->name));
	snprintf(path, sizeof(path), "%s/%s/exe", proc, pid);
	ssize_t length = readlink(path, owner->program, sizeof(owner->program) - 1);
	owner->program[length > 0 ? length : 0] = '\0';
}

static void find_process(const char *proc, struct owner *owner)
{
	DIR *folder = opendir(proc);
	const struct dirent *entry;
	if (folder == NULL)
		return;
	for (unsigned i = 0; i < PROCESSES_MAX && (entry = readdir(folder)) != NULL; i++) {
		char path[320];
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%s/%s/fd", proc, entry->d_name);
		int fds = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds >= 0 && holds(fds, owner->inode)) {
			name_process(proc, entry->d_name, owner);
			break;
		}
	}
	closedir(folder);
}

void owner_find(const char *proc, const struct address *address, uint16_t port, struct owner *owner)
{
	memset(owner, 0, sizeof(*owner));
	if ((address->family == 4 && find_socket(proc, "tcp", address, port, owner)) ||
	    find_socket(proc, "tcp6", address, port, owner))
		find_process(proc, owner);
}

void owner_describe(const struct owner *owner, uint16_t port, char *text, size_t room)
{
	if (!owner->listens)
		snprintf(text, room, "nothing listens on local port %u", port);
	else if (owner->pid == 0)
		snprintf(text, room, "local port %u belongs to a process of uid %u", port,
			 (unsigned)owner->uid);
	else
		snprintf(text, room, "local port %u belongs to %s (pid %ld, %s)", port, owner->name,
			 (long)owner->pid, owner->program[0] ? owner->program : "program unknown");
}
