#include "user/keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define KEY_FILE_MAX 32768 /* RSA keys of 16384 bits have less than half of that */

static size_t read_all(int fd, char *text, size_t room)
{
	size_t used = 0;
	ssize_t got;
	while (used < room && (got = read(fd, text + used, room - used)) > 0)
		used += (size_t)got;
	return used;
}

/* NULL: it is none that can be read, or too large to be a key. */
static char *read_key(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	char *text = NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < KEY_FILE_MAX)
		text = calloc(1, KEY_FILE_MAX + 1);
	if (text != NULL && read_all(fd, text, KEY_FILE_MAX) == 0) {
		free(text);
		text = NULL;
	}
	close(fd);
	return text;
}

static int connect_agent(const char *path)
{
	struct sockaddr_un agent = { .sun_family = AF_UNIX };
	if (path == NULL || strlen(path) >= sizeof(agent.sun_path))
		return -1;
	snprintf(agent.sun_path, sizeof(agent.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&agent, sizeof(agent)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void keys_read(const char *home, struct keys *keys)
{
	static const char *const names[KEYS_MAX] = { "id_ed25519", "id_ecdsa", "id_rsa" };
	char path[512];
	keys->count = 0;
	keys->agent = connect_agent(getenv("SSH_AUTH_SOCK"));
	keys->has_agent = keys->agent >= 0;
	for (size_t i = 0; i < KEYS_MAX; i++) {
		int length = snprintf(path, sizeof(path), "%s/.ssh/%s", home, names[i]);
		char *text = length < (int)sizeof(path) ? read_key(path) : NULL;
		if (text != NULL)
			keys->text[keys->count++] = text;
	}
}

void keys_close(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		explicit_bzero(keys->text[i], KEY_FILE_MAX);
		free(keys->text[i]);
	}
	if (keys->has_agent)
		close(keys->agent);
	*keys = (struct keys){ 0 };
}
