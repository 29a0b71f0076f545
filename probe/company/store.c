#include "company/store.h"

#include <stdlib.h>
#include <string.h>

#include "sshwhy/memory.h"
#include "sshwhy/savefile.h"

bool store_is_full(const struct store *store)
{
	return store->count >= STORE_FRAMES || store->bytes >= STORE_BYTES;
}

bool store_put(struct store *store, const struct frame *frame, uint32_t flow, size_t most,
	       bool last)
{
	size_t length = frame->captured < most ? frame->captured : most;
	if (store->frames == NULL) {
		store->frames = memory_or_end((STORE_FRAMES + STORE_LAST) * sizeof(*store->frames));
		store->flow = memory_or_end((STORE_FRAMES + STORE_LAST) * sizeof(*store->flow));
	}
	if (store->count >= STORE_FRAMES + STORE_LAST || (store_is_full(store) && !last))
		return false;
	uint8_t *bytes = memory_or_end(length + 1);
	memcpy(bytes, frame->bytes, length);
	store->flow[store->count] = flow;
	struct frame *kept = &store->frames[store->count++];
	*kept = *frame;
	kept->bytes = bytes;
	kept->captured = (uint32_t)length;
	kept->number = store->count;
	kept->interface = 0;
	store->bytes += length;
	return true;
}

static void keep(struct store *store, size_t at, size_t to)
{
	store->frames[to] = store->frames[at];
	store->frames[to].number = to + 1;
	store->flow[to] = store->flow[at];
}

void store_forget(struct store *store, uint32_t flow)
{
	size_t kept = 0;
	for (size_t i = 0; i < store->count; i++) {
		if (store->flow[i] != flow) {
			keep(store, i, kept++);
			continue;
		}
		store->bytes -= store->frames[i].captured;
		free((void *)(uintptr_t)store->frames[i].bytes);
	}
	store->count = kept;
}

void store_save(const struct store *store, uint32_t link, FILE *out)
{
	struct error ignored;
	struct savefile_writer *writer =
		savefile_writer_new(out, "sshwhy " SSHWHY_VERSION, NULL, 0);
	savefile_writer_interface(writer, "any", link, 8122);
	for (size_t i = 0; i < store->count; i++)
		savefile_writer_frame(writer, &store->frames[i], NULL);
	(void)savefile_writer_close(writer, &ignored);
}

void store_free(struct store *store)
{
	for (size_t i = 0; i < store->count; i++)
		free((void *)(uintptr_t)store->frames[i].bytes);
	free(store->frames);
	free(store->flow);
	*store = (struct store){ .count = 0 };
}
