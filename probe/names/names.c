#include "names/names.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "names/errand.h"
#include "process/clock.h"

/* An errand's parcel: an address, and its name when it is done. */
struct row {
	struct address address;
	char name[NAME_LENGTH];
};

struct names {
	size_t count;
	int64_t asked_ms; /* when the last was */
	struct address address[NAMES_MAX];
	struct errand *errand[NAMES_MAX]; /* NULL: nobody will answer it */
};

struct names *names_new(void)
{
	return calloc(1, sizeof(struct names));
}

void names_close(struct names *names)
{
	for (size_t i = 0; names != NULL && i < names->count; i++)
		errand_leave(names->errand[i]);
	free(names);
}

static void look_up(void *parcel)
{
	struct row *row = parcel;
	struct sockaddr_storage socket;
	socklen_t length = address_to_sockaddr(&row->address, 0, 0, &socket);

	if (getnameinfo((struct sockaddr *)&socket, length, row->name, sizeof(row->name), NULL, 0,
			NI_NAMEREQD) != 0)
		row->name[0] = '\0';
}

void names_ask(struct names *names, const struct address *address)
{
	struct row row = { .address = *address };

	if (names == NULL || address->family == 0 || names->count == NAMES_MAX)
		return;
	for (size_t i = 0; i < names->count; i++)
		if (address_equal(&names->address[i], address))
			return;
	names->asked_ms = clock_ms();
	names->address[names->count] = *address;
	names->errand[names->count++] = errand_send(look_up, &row, sizeof(row));
}

void names_wait(struct names *names, int patience_ms)
{
	for (size_t i = 0; names != NULL && i < names->count; i++) {
		int64_t left = names->asked_ms + patience_ms - clock_ms();
		if (left <= 0)
			return;
		if (names->errand[i] != NULL)
			(void)errand_wait(names->errand[i], (int)left, -1);
	}
}

bool names_get(struct names *names, size_t index, struct address *address, char name[NAME_LENGTH])
{
	if (names == NULL || index >= names->count)
		return false;
	struct errand *errand = names->errand[index];
	*address = names->address[index];
	name[0] = '\0';
	if (errand != NULL && errand_wait(errand, 0, -1) == 0) {
		const struct row *row = errand_parcel(errand);
		memcpy(name, row->name, NAME_LENGTH);
	}
	return true;
}
