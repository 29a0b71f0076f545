#include "wall/wall.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "wall/calls.h"
#include "wall/files.h"

/* What libraries open when they are first needed is opened now, or never. */
static void open_early(void)
{
	tzset();	     /* /etc/localtime */
	json_object_seed(0); /* /dev/urandom */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

bool wall_reader(const char *const *files, size_t count, struct error *error)
{
	open_early();
	if (!SSHWHY_WALL)
		return true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(error, EXIT_UNAVAILABLE, "no_new_privs: %s", strerror(errno));
	return files_close(files, count, error) && calls_of_a_reader(error);
}
