/* The queue of what will happen, and its dispatch. */
#include "model.h"

#include <string.h>

static bool before(const struct happening *a, const struct happening *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

/* A binary heap; happenings of one time keep the order they were added in. */
void queue_add(struct model *model, const struct happening *happening)
{
	if (model->queue_count == QUEUE_MAX) {
		model->overflows++;
		return;
	}
	struct happening item = *happening;
	item.order = model->order++;
	unsigned at = model->queue_count++;
	while (at > 0 && before(&item, &model->queue[(at - 1) / 2])) {
		model->queue[at] = model->queue[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	model->queue[at] = item;
}

static void queue_take(struct model *model, struct happening *first)
{
	*first = model->queue[0];
	const struct happening *last = &model->queue[--model->queue_count];
	unsigned at = 0;
	for (;;) {
		unsigned child = 2 * at + 1;
		if (child >= model->queue_count)
			break;
		if (child + 1 < model->queue_count &&
		    before(&model->queue[child + 1], &model->queue[child]))
			child++;
		if (!before(&model->queue[child], last))
			break;
		model->queue[at] = model->queue[child];
		at = child;
	}
	if (model->queue_count > 0)
		model->queue[at] = *last;
}

void model_start(struct model *model, const struct scenario *scenario,
		 const struct phrases *phrases, uint64_t seed, uint16_t first_port, int64_t now_ns)
{
	/* Not the queue: it is large, and read only as far as it is filled. */
	memset(model, 0, offsetof(struct model, queue));
	model->queue_count = 0;
	model->order = model->overflows = 0;
	model->scenario = scenario;
	model->phrases = phrases;
	model->dice = dice_for(seed, 3);
	model->now_ns = now_ns;
	model->first_port = first_port;
	model->kernel_ip_id = (uint16_t)dice_next(&model->dice);
}

int64_t model_next(const struct model *model)
{
	return model->queue_count > 0 ? model->queue[0].time_ns : INT64_MAX;
}

void model_step(struct model *model)
{
	struct happening happening;
	queue_take(model, &happening);
	model->now_ns = happening.time_ns;
	switch (happening.kind) {
	case HAPPENS_AT_NODE:
		wire_at_node(model, &happening);
		break;
	case HAPPENS_AT_HOST:
		host_receive(model, &happening);
		break;
	case HAPPENS_AT_CLIENT:
		model->on_packet(model->context, &happening.segment, false);
		kernel_receive(model, &happening.segment);
		break;
	case HAPPENS_GIVES_UP:
		wire_gives_up(model, &happening);
		break;
	case HAPPENS_KERNEL_TIMER:
		kernel_timer(model, &happening);
		break;
	case HAPPENS_HOST_TIMER:
		host_timer(model, &happening);
		break;
	case HAPPENS_SERVICE:
		host_service(model, &happening);
		break;
	case HAPPENS_ANSWER:
		host_answer(model, &happening);
		break;
	case HAPPENS_HANDSHAKE:
		talk_begin(model, &happening);
		break;
	case HAPPENS_CONNECT_ENDS:
		kernel_connect_ends(model, &happening);
		break;
	case HAPPENS_KILL:
		kernel_kill(model, &happening);
		break;
	}
}
