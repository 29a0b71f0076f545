/* connection: the TCP and SSH side of an exchange once a SYN-ACK came. */
#ifndef TRACK_CONNECTION_H
#define TRACK_CONNECTION_H

#include "sshwhy/exchange.h"

struct connection *connection_new(struct arena *arena, const struct packet *syn_ack);
void connection_client(struct connection *connection, const struct packet *packet);
void connection_server(struct connection *connection, const struct packet *packet);

#endif
