#include "drive/wire.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/parallel.h"
#include "route/links.h"
#include "user/privilege.h"

static bool is_listened_on(const struct wire *wire, const char *interface)
{
	for (size_t i = 0; i < wire->capture_count; i++)
		if (strcmp(wire->interface[i], interface) == 0)
			return true;
	return false;
}

static void listen_on(struct wire *wire, const char *interface)
{
	if (interface[0] == '\0' || wire->capture_count == WIRE_CAPTURES ||
	    is_listened_on(wire, interface))
		return;
	wire->index[wire->capture_count] = if_nametoindex(interface);
	wire->interface[wire->capture_count++] = interface;
}

static void listen_on_ways(struct wire *wire, const struct route *route)
{
	for (size_t i = 0; i < route->way_count; i++)
		listen_on(wire, route->way[i]);
}

static void find_home(struct wire *wire, const struct wire_wish *wish)
{
	for (size_t i = 0; i < wish->route_count; i++)
		if (wish->routes[i]->error == 0)
			home_add(&wire->home, &wish->routes[i]->source);
	for (size_t i = 0; i < wire->capture_count; i++)
		home_add_interface(&wire->home, wire->interface[i]);
}

static bool open_filtered(struct wire *wire, const struct capture_filter *filter,
			  struct error *error)
{
	struct capture_wish wishes[WIRE_CAPTURES] = { 0 };
	for (size_t i = 0; i < wire->capture_count; i++) {
		wishes[i].interface = wire->interface[i];
		wishes[i].index = (uint32_t)i;
	}
	capture_open_all(wishes, wire->capture_count, filter);
	bool opened = true;
	for (size_t i = 0; i < wire->capture_count; i++) {
		wire->capture[i] = wishes[i].capture;
		if (wishes[i].capture == NULL)
			*error = wishes[i].error;
		opened &= wishes[i].capture != NULL;
	}
	return opened;
}

static bool open_captures(struct wire *wire, const struct wire_wish *wish, struct error *error)
{
	char *plain = admission_filter(&wire->home, &wish->ports);
	char *tagged = admission_filter_tagged(&wish->ports);
	bool opened = open_filtered(wire, &(struct capture_filter){ plain, tagged }, error);
	free(plain);
	free(tagged);
	return opened;
}

void wire_watch(struct wire *wire)
{
	struct error ignored; /* without that news the captures' own will do */
	wire->links = links_open(&ignored);
}

/* What both threads are given. */
struct opening {
	struct wire *wire;
	const struct wire_wish *wish;
	struct error *error;
	bool opened;
};

static void open_listed(void *context)
{
	struct opening *opening = context;
	opening->opened = open_captures(opening->wire, opening->wish, opening->error);
}

static void raise_shield(void *context)
{
	struct opening *opening = context;
	struct error ignored;
	struct shield **shield = &opening->wire->shield;
	if (shield_raise(*shield, opening->wish->shielded, opening->wish->shielded_count, &ignored))
		return;
	shield_lower(*shield);
	*shield = NULL;
}

static bool open_both(struct wire *wire, const struct wire_wish *wish, struct error *error)
{
	struct opening opening = { .wire = wire, .wish = wish, .error = error };
	struct task tasks[] = { { open_listed, &opening }, { raise_shield, &opening } };
	struct error ignored;
	/* (without the right to ask, the library would say so on stderr) */
	if (privilege_net_admin())
		wire->shield = shield_open(&ignored);
	parallel(tasks, wire->shield != NULL ? 2 : 1);
	return opening.opened;
}

bool wire_open(struct wire *wire, const struct wire_wish *wish, struct error *error)
{
	*wire = (struct wire){ .links = wire->links };
	for (size_t i = 0; i < wish->route_count; i++)
		if (wish->routes[i]->error == 0)
			listen_on(wire, wish->routes[i]->interface);
	if (wire->capture_count == 0)
		return true; /* no route at all: there is no wire to listen on */
	listen_on(wire, "lo");
	for (size_t i = 0; i < wish->route_count; i++)
		listen_on_ways(wire, wish->routes[i]);
	find_home(wire, wish);
	return open_both(wire, wish, error);
}

static void take_gone(void *context, unsigned index)
{
	struct wire *wire = context;
	for (size_t i = 0; i < wire->capture_count; i++)
		if (wire->index[i] == index)
			wire->gone = wire->interface[i];
}

bool wire_gone(struct wire *wire)
{
	if (wire->links >= 0)
		links_read(wire->links, take_gone, wire);
	return wire->gone != NULL;
}

static void close_capture(void *context)
{
	capture_close(context);
}

static void close_shield(void *context)
{
	shield_lower(context);
}

void wire_close(struct wire *wire)
{
	struct task tasks[WIRE_CAPTURES + 1];
	size_t count = 0;
	if (wire->links >= 0)
		close(wire->links);
	wire->links = -1;
	for (size_t i = 0; i < wire->capture_count; i++)
		if (wire->capture[i] != NULL)
			tasks[count++] = (struct task){ close_capture, wire->capture[i] };
	if (wire->shield != NULL)
		tasks[count++] = (struct task){ close_shield, wire->shield };
	parallel(tasks, count);
}
