#include "process/holder.h"

#include <string.h>

#define TREE_MAX 256 /* processes */

static bool is_it(const struct socket_line *line, const struct socket_ends *ends)
{
	struct address remote = sockets_unmapped(line->remote);
	return line->local_port == ends->local_port && line->remote_port == ends->remote_port &&
	       address_equal(&remote, &ends->remote);
}

static uint64_t inode_in(const char *proc, const char *name, const struct socket_ends *ends)
{
	struct socket_table table;
	struct socket_line line;
	uint64_t inode = 0;
	if (!sockets_open(&table, proc, name))
		return 0;
	while (inode == 0 && sockets_next(&table, &line))
		inode = is_it(&line, ends) ? line.inode : 0;
	sockets_close(&table);
	return inode;
}

/* 0: there is no such connection, or the kernel alone goes on with it. */
static uint64_t inode_of(const char *proc, const struct socket_ends *ends)
{
	uint64_t inode = ends->remote.family == 4 ? inode_in(proc, "tcp", ends) : 0;
	return inode != 0 ? inode : inode_in(proc, "tcp6", ends);
}

/* Children of its other threads are not looked for: ssh has none. */
static bool add_children(const char *proc, pid_t pid, pid_t *tree, size_t *count)
{
	char path[320];
	int child;
	snprintf(path, sizeof(path), "%s/%d/task/%d/children", proc, pid, pid);
	FILE *children = fopen(path, "re");
	if (children == NULL)
		return false;
	while (*count < TREE_MAX && fscanf(children, "%d", &child) == 1)
		tree[(*count)++] = child;
	(void)fclose(children);
	return *count < TREE_MAX;
}

enum held holder_is(const char *proc, pid_t pid, const struct socket_ends *ends)
{
	pid_t tree[TREE_MAX] = { pid };
	size_t count = 1;
	uint64_t inode = inode_of(proc, ends);
	enum held held = inode != 0 ? HELD_NOT : HELD_NOT_KNOWN;
	for (size_t i = 0; inode != 0 && i < count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%d", tree[i]);
		enum held one = sockets_held(proc, name, inode);
		if (one == HELD)
			return HELD;
		if (!add_children(proc, tree[i], tree, &count) || one == HELD_NOT_KNOWN)
			held = HELD_NOT_KNOWN;
	}
	return held;
}
