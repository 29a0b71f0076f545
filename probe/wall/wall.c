#include "wall/wall.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "wall/calls.h"
#include "wall/files.h"

/* What libraries open when they are first needed is opened now, or never. */
static void open_early(uint64_t openssl)
{
	tzset();	     /* /etc/localtime */
	json_object_seed(0); /* /dev/urandom */
	OPENSSL_init_crypto(openssl, NULL);
}

static bool begin(struct error *error)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
	       error_set(error, EXIT_UNAVAILABLE, "no_new_privs: %s", strerror(errno));
}

bool wall_closes_files(void)
{
	return files_can_close();
}

bool wall_reader(const char *const *files, size_t count, struct error *error)
{
	open_early(OPENSSL_INIT_NO_LOAD_CONFIG);
	if (!SSHWHY_WALL)
		return true;
	return begin(error) && files_close(files, count, error) && calls_of_a_reader(error);
}

/* Nobody looks into it who has its user's rights, and its memory goes into no file. */
static bool hide(struct error *error)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ||
	       error_set(error, EXIT_UNAVAILABLE, "not dumpable: %s", strerror(errno));
}

bool wall_listener(const int *captures, size_t count, bool refilters, struct error *error)
{
	const struct captures all = { captures, count, refilters };
	open_early(OPENSSL_INIT_LOAD_CONFIG);
	if (!SSHWHY_WALL)
		return true;
	return begin(error) && hide(error) && files_close(NULL, 0, error) &&
	       calls_of_a_listener(&all, error);
}
