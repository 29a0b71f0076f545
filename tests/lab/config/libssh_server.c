/*
 * The smallest server that libssh makes: exchanges keys, offers public keys, refuses them all.
 *
 *     libssh_server PORT HOSTKEY
 */
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void refuse(ssh_message message)
{
	ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_PUBLICKEY);
	ssh_message_reply_default(message);
	ssh_message_free(message);
}

/* A service is granted, whatever is asked for then is refused. */
static void serve(ssh_session session)
{
	ssh_message message;
	if (ssh_handle_key_exchange(session) != SSH_OK)
		return;
	while ((message = ssh_message_get(session)) != NULL) {
		if (ssh_message_type(message) != SSH_REQUEST_SERVICE) {
			refuse(message);
			continue;
		}
		ssh_message_service_reply_success(message);
		ssh_message_free(message);
	}
}

int main(int argc, char **argv)
{
	ssh_bind server = ssh_bind_new();
	if (argc != 3 || server == NULL)
		return 64;
	signal(SIGCHLD, SIG_IGN);
	ssh_bind_options_set(server, SSH_BIND_OPTIONS_BINDADDR, "::");
	ssh_bind_options_set(server, SSH_BIND_OPTIONS_BINDPORT_STR, argv[1]);
	ssh_bind_options_set(server, SSH_BIND_OPTIONS_HOSTKEY, argv[2]);
	if (ssh_bind_listen(server) != SSH_OK) {
		fprintf(stderr, "libssh_server: %s\n", ssh_get_error(server));
		return EXIT_FAILURE;
	}
	for (;;) {
		ssh_session session = ssh_new();
		if (ssh_bind_accept(server, session) == SSH_OK && fork() == 0) {
			serve(session);
			ssh_disconnect(session);
			_exit(0);
		}
		ssh_free(session);
	}
}
