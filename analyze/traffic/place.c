#include "traffic/place.h"

#include <stdio.h>

static bool is_local(const struct locals *locals, const struct address *address)
{
	for (unsigned i = 0; i < locals->count; i++)
		if (address_equal(&locals->address[i], address))
			return true;
	return false;
}

void locals_learn(struct locals *locals, const struct address *client, uint8_t client_ttl,
		  const struct address *server, uint8_t server_ttl)
{
	if (ttl_is_undiminished(client_ttl) == ttl_is_undiminished(server_ttl))
		return;
	const struct address *here = ttl_is_undiminished(client_ttl) ? client : server;
	if (is_local(locals, here))
		return;
	locals->address[locals->next] = *here;
	locals->next = (locals->next + 1) % LOCALS_MAX;
	if (locals->count < LOCALS_MAX)
		locals->count++;
}

/* The machine's own notes come first: a bridge or a container's host may see undiminished
 * TTLs that it has not sent. */
static enum event_word by_direction(const struct conversation *c, char text[PLACE_TEXT])
{
	bool client = c->marks & MARK_CLIENT_OUT && !(c->marks & MARK_SERVER_OUT);
	bool server = c->marks & MARK_SERVER_OUT && !(c->marks & MARK_CLIENT_OUT);
	if (!client && !server)
		return WORD_NONE;
	/* What a router passes on goes out as well, but with a lessened TTL. */
	uint8_t ttl = client ? c->client_ttl : c->server_ttl;
	if (!ttl_is_undiminished(ttl))
		return WORD_NONE;
	snprintf(text, PLACE_TEXT,
		 "the capture notes that the %s's packets go out of the capturing machine",
		 client ? "client" : "server");
	return client ? WORD_PLACE_CLIENT : WORD_PLACE_VM;
}

static enum event_word by_ttls(const struct conversation *c, char text[PLACE_TEXT])
{
	bool client = ttl_is_undiminished(c->client_ttl),
	     server = ttl_is_undiminished(c->server_ttl);
	snprintf(text, PLACE_TEXT,
		 "the client's packets are here with TTL %u, the server's with %u: %s",
		 c->client_ttl, c->server_ttl,
		 client && server ? "both are undiminished"
		 : client	  ? "no router has passed the client's on"
		 : server	  ? "no router has passed the server's on"
				  : "routers have passed both on");
	if (client == server)
		return client ? WORD_PLACE_UNCLEAR : WORD_PLACE_BETWEEN;
	return client ? WORD_PLACE_CLIENT : WORD_PLACE_VM;
}

/* Only one side was seen. */
static enum event_word by_one_side(const struct conversation *c, const struct locals *locals,
				   char text[PLACE_TEXT])
{
	char address[ADDRESS_TEXT];
	bool client = c->client_ttl != 0;
	if (is_local(locals, &c->server) != is_local(locals, &c->client)) {
		client = is_local(locals, &c->client);
		snprintf(text, PLACE_TEXT,
			 "%s is on this side of all routers, as its other connections show",
			 address_text(client ? &c->client : &c->server, address));
		return client ? WORD_PLACE_CLIENT : WORD_PLACE_VM;
	}
	uint8_t ttl = client ? c->client_ttl : c->server_ttl;
	snprintf(text, PLACE_TEXT, "only the %s's packets are seen, with TTL %u",
		 client ? "client" : "server", ttl);
	if (!ttl_is_undiminished(ttl))
		return WORD_PLACE_UNCLEAR;
	return client ? WORD_PLACE_CLIENT : WORD_PLACE_VM;
}

enum event_word place_of_capture(const struct conversation *c, const struct locals *locals,
				 char text[PLACE_TEXT])
{
	/* A lone reset may be anybody's: its TTL tells nothing of the server. */
	bool both = c->client_ttl != 0 && c->server_ttl != 0;
	enum event_word place = by_direction(c, text);
	if (place != WORD_NONE)
		return place;
	return both ? by_ttls(c, text) : by_one_side(c, locals, text);
}
