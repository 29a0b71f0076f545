/* connection: the TCP and SSH side of an exchange once a SYN-ACK came; fed by track.c. */
#ifndef TRACK_CONNECTION_H
#define TRACK_CONNECTION_H

#include "sshwhy/exchange.h"

/* `syn` is what the SYN-ACK answers. */
struct connection *connection_new(struct arena *arena, const struct packet *syn_ack,
				  const struct sent *syn);
void connection_client(struct connection *connection, const struct packet *packet);
/* Anything that left for the server on this connection, be it the client's TCP's or a probe. */
void connection_sent(struct connection *connection, const struct packet *packet);
/* Whether the client's TCP takes this segment of the server's, which is no reset. `slack`: bytes
 * of either side that may be missing from the capture. */
bool connection_takes(const struct connection *connection, const struct packet *packet,
		      uint32_t slack);
/* Whether a reset is the server's. */
bool connection_is_reset_by(const struct connection *connection, const struct packet *packet,
			    uint32_t slack);
/* Whether the client has sent something with this sequence number. */
bool connection_said(const struct connection *connection, uint32_t sequence, uint32_t slack);
void connection_server(struct connection *connection, const struct packet *packet);

#endif
