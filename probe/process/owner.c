#include "process/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/sockets.h"

#define PROCESSES_MAX	50000
#define DESCRIPTORS_MAX 500000 /* of all processes together, when all of them are looked at */
#define SOCKETS_MAX	256    /* that listen on one address */

/* -- the socket ------------------------------------------------------------------- */

/* A socket bound to the wildcard address takes every address of its family, and "::"
 * takes IPv4 as well unless it was told not to. */
static bool takes_address(struct address bound, const struct address *address)
{
	static const uint8_t zero[16] = { 0 };
	if (memcmp(bound.bytes, zero, sizeof(zero)) == 0)
		return bound.family == address->family || bound.family == 6;
	bound = sockets_unmapped(bound);
	return address_equal(&bound, address);
}

static bool accepts(const struct socket_line *line, const struct address *address)
{
	return line->state == SOCKET_LISTENS && takes_address(line->local, address);
}

static bool is_owned(const struct socket_line *line, const struct address *address, uint16_t port,
		     struct owner *owner)
{
	if (line->local_port != port || !accepts(line, address))
		return false;
	owner->uid = line->uid;
	owner->inode = line->inode;
	return true;
}

bool owner_line(const char *text, const struct address *address, uint16_t port, struct owner *owner)
{
	struct socket_line line;
	return sockets_line(text, &line) && is_owned(&line, address, port, owner);
}

static bool find_socket(const char *proc, const char *name, const struct address *address,
			uint16_t port, struct owner *owner)
{
	struct socket_table table;
	struct socket_line line;
	if (!sockets_open(&table, proc, name))
		return false;
	while (!owner->listens && sockets_next(&table, &line))
		owner->listens = is_owned(&line, address, port, owner);
	sockets_close(&table);
	return owner->listens;
}

/* -- the process ------------------------------------------------------------------ */

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
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (sockets_held(proc, entry->d_name, owner->inode) == HELD) {
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

/* -- all who listen ----------------------------------------------------------------- */

struct sockets {
	size_t count;
	struct listener socket[SOCKETS_MAX];
	unsigned left; /* descriptors that may still be looked at */
};

static bool has_port(const struct sockets *sockets, uint16_t port)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->socket[i].port == port)
			return true;
	return false;
}

/* One socket a port: servers have one for each family. False when there is no such table. */
static bool collect_sockets(const char *proc, const char *name, const struct address *address,
			    uint16_t except, struct sockets *sockets)
{
	struct socket_table table;
	struct socket_line line;
	if (!sockets_open(&table, proc, name))
		return false;
	while (sockets->count < SOCKETS_MAX && sockets_next(&table, &line))
		if (accepts(&line, address) && line.local_port != except &&
		    !has_port(sockets, line.local_port))
			sockets->socket[sockets->count++] = (struct listener){
				.port = line.local_port,
				.owner = { .listens = true, .uid = line.uid, .inode = line.inode }
			};
	sockets_close(&table);
	return true;
}

/* It listens for services that it starts with the first connection. */
static bool is_systemd(const struct owner *owner)
{
	return strcmp(owner->name, "systemd") == 0;
}

enum likeness { NOT_SSH, PERHAPS_SSH, SSH_BY_NAME };

static enum likeness likeness_of(const struct owner *owner)
{
	if (strstr(owner->name, "ssh") != NULL || strstr(owner->name, "dropbear") != NULL)
		return SSH_BY_NAME;
	return owner->pid == 0 || is_systemd(owner) ? PERHAPS_SSH : NOT_SSH;
}

/* A process holds the socket with this inode. systemd goes on holding those that it hands on
 * to a service: then the service counts. */
static void give_to(const char *proc, const char *pid, uint64_t inode, struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		struct owner *owner = &sockets->socket[i].owner;
		if (owner->inode == inode && (owner->pid == 0 || is_systemd(owner)))
			name_process(proc, pid, owner);
	}
}

static void look_at_descriptors(const char *proc, const char *pid, struct sockets *sockets)
{
	char path[320], target[48];
	uint64_t inode;
	const struct dirent *entry;
	snprintf(path, sizeof(path), "%s/%s/fd", proc, pid);
	DIR *folder = opendir(path);
	if (folder == NULL)
		return;
	while (sockets->left > 0 && (entry = readdir(folder)) != NULL) {
		ssize_t length =
			readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		sockets->left--;
		target[length > 0 ? length : 0] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
			give_to(proc, pid, inode, sockets);
	}
	closedir(folder);
}

static void find_processes(const char *proc, struct sockets *sockets)
{
	DIR *folder = opendir(proc);
	const struct dirent *entry;
	if (folder == NULL)
		return;
	for (unsigned i = 0; i < PROCESSES_MAX && (entry = readdir(folder)) != NULL; i++)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at_descriptors(proc, entry->d_name, sockets);
	closedir(folder);
}

/* Names first; and who moves sshd keeps the 22 in its port, as a rule. */
static int order_of(const struct listener *listener)
{
	char port[8];
	snprintf(port, sizeof(port), "%u", listener->port);
	return 2 * (int)likeness_of(&listener->owner) + (strstr(port, "22") != NULL);
}

static void insert_listener(struct listeners *listeners, const struct listener *listener)
{
	size_t at = listeners->count;
	while (at > 0 && order_of(&listeners->listener[at - 1]) < order_of(listener))
		at--;
	if (at == LISTENERS_MAX)
		return;
	size_t behind = listeners->count - at;
	if (listeners->count == LISTENERS_MAX)
		behind--; /* the last makes room */
	else
		listeners->count++;
	memmove(&listeners->listener[at + 1], &listeners->listener[at], behind * sizeof(*listener));
	listeners->listener[at] = *listener;
}

bool listeners_find(const char *proc, const struct address *address, uint16_t except,
		    struct listeners *listeners)
{
	struct sockets sockets = { .left = DESCRIPTORS_MAX };
	bool four = address->family == 4 && collect_sockets(proc, "tcp", address, except, &sockets);
	bool six = collect_sockets(proc, "tcp6", address, except, &sockets);
	memset(listeners, 0, sizeof(*listeners));
	if (sockets.count > 0)
		find_processes(proc, &sockets);
	for (size_t i = 0; i < sockets.count; i++)
		if (likeness_of(&sockets.socket[i].owner) != NOT_SSH)
			insert_listener(listeners, &sockets.socket[i]);
	return address->family == 4 ? four : six;
}

void listener_describe(const struct listener *listener, char *text, size_t room)
{
	const struct owner *owner = &listener->owner;
	if (owner->pid == 0)
		snprintf(text, room, "a process of uid %u listens on port %u", (unsigned)owner->uid,
			 listener->port);
	else
		snprintf(text, room, "%s (pid %ld, %s) listens on port %u", owner->name,
			 (long)owner->pid, owner->program[0] ? owner->program : "program unknown",
			 listener->port);
}
