#include "plan_world.h"

#include <errno.h>
#include <string.h>

#define ROUTERS 3

static struct packet out_packet(const struct world *w, uint16_t local, uint16_t remote, uint8_t ttl,
				uint8_t flags, uint32_t sequence)
{
	return (struct packet){ .time_ns = w->now,
				.end = DECODE_COMPLETE,
				.protocol = IP_TCP,
				.source = w->run.local_address,
				.destination = w->run.address,
				.source_port = local,
				.destination_port = remote,
				.ttl = ttl,
				.flags = flags,
				.sequence = sequence };
}

static void deliver(struct world *w, struct packet packet)
{
	packet.number = ++w->frames;
	packet.time_ns = w->now;
	plan_packet(w->plan, &packet);
}

static void tell(struct world *w, struct event event)
{
	event.time_ns = w->now;
	run_event(&w->run, &event);
	plan_event(w->plan, &event);
}

static void give_exceeded(struct world *w, const struct packet *syn)
{
	struct address router = { .family = 4,
				  .bytes = { syn->ttl == 1 ? 10 : 198, 51, 100, syn->ttl } };
	deliver(w, (struct packet){ .end = DECODE_COMPLETE,
				    .protocol = IP_ICMP,
				    .source = router,
				    .destination = w->run.local_address,
				    .icmp_type = 11,
				    .ttl = 60,
				    .quote = { .present = true,
					       .has_ports = true,
					       .has_sequence = true,
					       .protocol = IP_TCP,
					       .source_port = syn->source_port,
					       .destination_port = syn->destination_port,
					       .sequence = syn->sequence } });
}

/* What connection tracking on the VM takes for a new flow: a port that has not been answered with
 * SYN-ACK before. */
static void count_flow(struct world *w, const struct packet *syn)
{
	for (unsigned i = 0; i < w->flows && w->ssh_port == OPEN; i++)
		if (w->flow_port[i] == syn->source_port)
			return;
	if (w->flows < WORLD_FLOWS)
		w->flow_port[w->flows++] = syn->source_port;
}

/* The network: routers 1..3 answer, hop 4 does not, the VM is at 5. */
static void network_answers(struct world *w, const struct packet *syn)
{
	bool ssh = syn->destination_port == 22;
	if (w->edge_drops && ssh && syn->ttl > 1)
		return;
	if (w->drops_marked && syn->tos != 0 && syn->ttl > 1)
		return;
	if (syn->ttl <= ROUTERS) {
		give_exceeded(w, syn);
		return;
	}
	if (syn->ttl < DISTANCE)
		return;
	if (ssh)
		count_flow(w, syn);
	if (ssh && w->ssh_port == SILENT)
		return;
	bool open = ssh && w->ssh_port == OPEN;
	struct packet reply = out_packet(w, syn->source_port, syn->destination_port, 60,
					 open ? TCP_SYN | TCP_ACK : TCP_RST | TCP_ACK, 77);
	reply.source = w->run.address;
	reply.destination = w->run.local_address;
	reply.source_port = syn->destination_port;
	reply.destination_port = syn->source_port;
	reply.acknowledgement = syn->sequence + 1;
	deliver(w, reply);
}

static void act_reference(struct world *w, const struct action *action)
{
	w->references++;
	w->reference_due_ns = w->reference_after_ns ? w->now + w->reference_after_ns : INT64_MAX;
	assert_int_equal(action->remote_port, w->reference);
	assert_int_equal(action->local_port, 61000 + PLAN_KERNEL_PORTS - 1);
	struct packet syn = out_packet(w, action->local_port, action->remote_port, 64, TCP_SYN, 9);
	syn.destination = address_parse("10.20.0.20");
	deliver(w, syn);
}

/* A refusal is an answer, and quickly told. */
static void reference_answers(struct world *w)
{
	if (w->reference_due_ns == 0 || w->now < w->reference_due_ns)
		return;
	w->reference_due_ns = INT64_MAX;
	uint16_t local = 61000 + PLAN_KERNEL_PORTS - 1;
	uint8_t flags = w->reference_accepts ? TCP_SYN | TCP_ACK : TCP_RST | TCP_ACK;
	struct packet reply = out_packet(w, w->reference, local, 64, flags, 0);
	reply.source = address_parse("10.20.0.20");
	reply.destination = w->run.local_address;
	reply.acknowledgement = 10;
	deliver(w, reply);
	tell(w, (struct event){ .kind = EVENT_CONNECT,
				.local_port = local,
				.error = w->reference_accepts ? 0 : ECONNREFUSED });
}

/* The kernel opens a connection: its SYN is on the wire. */
static struct packet kernel_opens(struct world *w, const struct action *action)
{
	struct packet syn = out_packet(w, action->local_port, action->remote_port, 64,
				       w->ecn ? TCP_SYN_ECN : TCP_SYN, 5);
	syn.tos = w->tos;
	deliver(w, syn);
	return syn;
}

/* Who listens there accepts, and says who it is when it is SSH. */
static void act_listener(struct world *w, const struct action *action)
{
	static const uint8_t banner[] = "SSH-2.0-x\r\n";
	w->tried[w->tries++] = action->remote_port;
	(void)kernel_opens(w, action);
	struct packet reply =
		out_packet(w, action->remote_port, action->local_port, 64, TCP_SYN | TCP_ACK, 77);
	reply.source = w->run.address;
	reply.destination = w->run.local_address;
	reply.acknowledgement = 6;
	deliver(w, reply);
	struct packet ack = out_packet(w, action->local_port, action->remote_port, 64, TCP_ACK, 6);
	ack.acknowledgement = 78;
	deliver(w, ack);
	tell(w, (struct event){ .kind = EVENT_CONNECT, .local_port = action->local_port });
	if (!w->listener_speaks)
		return;
	reply.flags = TCP_ACK | TCP_PSH;
	reply.sequence = 78;
	reply.payload = banner;
	reply.payload_length = reply.payload_captured = sizeof(banner) - 1;
	deliver(w, reply);
}

static void act_connect(struct world *w, const struct action *action)
{
	if (action->purpose == PURPOSE_ELSEWHERE) {
		act_listener(w, action);
		return;
	}
	if (action->to_reference) {
		act_reference(w, action);
		return;
	}
	w->connects++;
	w->opinions += action->purpose == PURPOSE_OPINION;
	if (action->purpose == PURPOSE_OPINION && w->opinion == IS_REFUSED)
		w->ssh_port = CLOSED;
	struct packet syn = kernel_opens(w, action);
	network_answers(w, &syn);
	if (w->ssh_port != SILENT)
		tell(w, (struct event){ .kind = EVENT_CONNECT,
					.local_port = action->local_port,
					.error = w->ssh_port == OPEN ? 0 : ECONNREFUSED });
}

static void speak_bytes(struct world *w, const struct action *action, bool server,
			uint32_t sequence, uint32_t acknowledges, const void *bytes, size_t length)
{
	struct packet packet = out_packet(w, action->local_port, 22, 64, TCP_ACK, sequence);
	if (server) {
		packet.source = w->run.address;
		packet.destination = w->run.local_address;
		packet.source_port = 22;
		packet.destination_port = action->local_port;
	}
	packet.acknowledgement = acknowledges;
	packet.payload = bytes;
	packet.payload_captured = packet.payload_length = (uint32_t)length;
	deliver(w, packet);
}

static void speak(struct world *w, const struct action *action, bool server, uint32_t sequence,
		  uint32_t acknowledges, const char *text)
{
	speak_bytes(w, action, server, sequence, acknowledges, text, strlen(text));
}

/* KEXINIT, whose lists are empty, and NEWKEYS. */
static const uint8_t keyed[88] = { [3] = 68, [4] = 5, [5] = 20, [75] = 12, [76] = 10, [77] = 21 };

/* The client identifies itself; the server's identification is lost, what follows it is not. */
static void talk_with_a_gap(struct world *w, const struct action *action)
{
	static const char client[] = "SSH-2.0-libssh_0.10\r\n";
	uint32_t first = SERVER_FIRST + 1, heard = 6 + (uint32_t)sizeof(client) - 1;
	speak(w, action, false, 6, first, "");
	speak(w, action, false, 6, first, client);
	speak(w, action, true, first + 41, heard, "what comes behind");
	speak(w, action, false, heard, first, "");
}

/* ssh and the server identify themselves; the server's further words come only if it passes. */
static void talk_as_ssh(struct world *w, const struct action *action)
{
	static const char client[] = "SSH-2.0-OpenSSH_9.2\r\n",
			  server[] = "SSH-2.0-OpenSSH_9.2\r\n";
	uint32_t first = SERVER_FIRST + 1, said = 6 + (uint32_t)sizeof(client) - 1;
	speak(w, action, false, 6, first, client);
	speak(w, action, true, first, said, server);
	if (w->opinion == PASSES)
		speak_bytes(w, action, true, first + (uint32_t)sizeof(server) - 1, said, keyed,
			    sizeof(keyed));
}

static void act_talk(struct world *w, const struct action *action)
{
	if (action->purpose == PURPOSE_OPINION) {
		talk_as_ssh(w, action);
		return;
	}
	if (w->gap)
		talk_with_a_gap(w, action);
	if (!w->healthy)
		return;
	tell(w, (struct event){ .kind = EVENT_AUTH,
				.local_port = action->local_port,
				.text = "publickey" });
	tell(w, (struct event){ .kind = EVENT_SSH,
				.local_port = action->local_port,
				.word = WORD_SSH_AUTHENTICATION });
}

static void act_send(struct world *w, const struct action *action)
{
	if (w->crafted++ == 0)
		w->first_crafted_ns = w->now - MS(1000);
	w->resets_sent += (action->flags & TCP_RST) != 0;
	if (action->payload_length > 0) {
		w->copies++;
		w->copies_acknowledge = action->acknowledgement;
	}
	bool unmarked = action->purpose == PURPOSE_UNMARKED;
	bool as_ssh = action->remote_port == 22 && !unmarked;
	assert_int_equal(action->opens, (action->flags & TCP_SYN) != 0);
	assert_int_equal(action->tos, as_ssh ? w->tos : 0);
	if ((action->flags & TCP_SYN) == 0)
		return;
	assert_int_equal(action->flags, as_ssh && w->ecn ? TCP_SYN_ECN : TCP_SYN);
	w->unmarked += unmarked;
	if (action->ttl < 64 && action->ttl > w->farthest)
		w->farthest = action->ttl;
	struct packet syn = out_packet(w, action->local_port, action->remote_port, action->ttl,
				       action->flags, action->sequence);
	syn.tos = action->tos;
	w->asked_elsewhere += action->purpose == PURPOSE_ELSEWHERE;
	deliver(w, syn);
	if (!w->at_vm)
		network_answers(w, &syn);
}

/* The VM waits for the rest of a fragment, and then gives up. */
static void take_fragment(struct world *w, const struct packet *syn)
{
	bool ssh = syn->destination_port == 22;
	if (ssh && !w->vm_reassembles)
		return;
	assert_true(w->given_up_count < 16);
	w->given_up[w->given_up_count++] =
		(struct packet){ .end = DECODE_COMPLETE,
				 .time_ns = w->now + REASSEMBLY,
				 .protocol = IP_ICMP,
				 .source = w->run.address,
				 .destination = w->run.local_address,
				 .icmp_type = 11,
				 .icmp_code = 1,
				 .ttl = 60,
				 .quote = { .present = true,
					    .has_ports = true,
					    .has_sequence = true,
					    .protocol = IP_TCP,
					    .source_port = syn->source_port,
					    .destination_port = syn->destination_port,
					    .sequence = syn->sequence } };
}

static void say_given_up(struct world *w)
{
	while (w->given_up_said < w->given_up_count &&
	       w->given_up[w->given_up_said].time_ns <= w->now)
		deliver(w, w->given_up[w->given_up_said++]);
}

static void act_heavy(struct world *w, const struct action *action)
{
	bool other = action->remote_port != 22;
	bool ack = action->purpose == PURPOSE_ACK;
	assert_int_equal(action->ttl, 64);
	/* An answer must name the segment that it is for. */
	assert_int_not_equal(action->sequence, w->heavy_sequence[action->purpose][other]);
	if (action->purpose != PURPOSE_PLAIN)
		w->heavy_sequence[action->purpose][other] = action->sequence;
	assert_int_equal(action->flags, ack ? TCP_ACK : TCP_SYN);
	struct packet packet = out_packet(w, action->local_port, action->remote_port, 64,
					  action->flags, action->sequence);
	packet.acknowledgement = action->acknowledgement;
	deliver(w, packet);
	if (action->fragment) {
		w->fragments[other]++;
		take_fragment(w, &packet);
	}
	w->acks[other] += ack;
	w->plains[other] += action->plain;
}

static bool is_heavy(const struct action *action)
{
	return action->kind == ACTION_SEND &&
	       (action->purpose == PURPOSE_FRAGMENT || action->purpose == PURPOSE_ACK ||
		action->purpose == PURPOSE_PLAIN);
}

void world_run(struct world *w, int64_t timeout_ns)
{
	w->now = MS(1000);
	w->run = (struct run){ .planned = true,
			       .port = 22,
			       .host = "vm",
			       .address = address_parse("20.99.0.4"),
			       .local_address = address_parse("10.20.0.10"),
			       .deployment = DEPLOYMENT_ARM,
			       .started_ns = w->now };
	w->run.frames_kept.refused = w->full;
	struct plan_config config = { .control_ports = { 80, 443, CLOSED_PORT },
				      .control_count = 3,
				      .kernel_ports = 61000,
				      .crafted_ports = 61004,
				      .deadline_ns = w->now + timeout_ns,
				      .reference = w->reference,
				      .deep = w->deep,
				      .crafted = true,
				      .opinion = w->opinion != NO_SSH,
				      .tos = w->tos,
				      .full_ttl = 64 };
	if (w->at_vm) {
		w->run.vantage = VANTAGE_VM;
		w->run.local_address = w->run.address;
		w->run.interface = "lo";
	}
	for (unsigned i = 0; i < w->listeners; i++) /* by the driver, before there is a plan */
		run_event(&w->run, &(struct event){ .kind = EVENT_LISTENER,
						    .value = w->listener[i],
						    .text = w->listener[i] ? "sshd" : "" });
	w->plan = plan_new(&w->run, &config, w->now);
	tell(w, (struct event){ .kind = EVENT_ROUTE, .text = "via 10.20.0.1" });
	tell(w, (struct event){ .kind = EVENT_NEIGHBOUR, .text = "10.20.0.1" });
	for (unsigned steps = 0; steps < 100000; steps++) {
		reference_answers(w);
		say_given_up(w);
		struct action action = plan_next(w->plan, w->now);
		if (action.kind == ACTION_DONE)
			break;
		if (action.opens)
			tell(w, action_opening(&action, action.to_reference ? "10.20.0.20" : NULL));
		if (action.kind == ACTION_CONNECT)
			act_connect(w, &action);
		else if (action.kind == ACTION_TALK)
			act_talk(w, &action);
		else if (is_heavy(&action))
			act_heavy(w, &action);
		else if (action.kind == ACTION_SEND)
			act_send(w, &action);
		else if (action.kind == ACTION_NONE)
			w->now = plan_wakeup(w->plan) > w->now ? plan_wakeup(w->plan)
							       : w->now + MS(1);
	}
	w->done_ns = w->now - MS(1000);
	w->withheld = plan_withheld(w->plan);
	plan_free(w->plan);
	run_free(&w->run);
}

void world_run_beside(struct world *w, enum ssh_port ssh_port, bool healthy, int64_t timeout_ns,
		      uint16_t reference, int64_t reference_after_ns)
{
	*w = (struct world){ .ssh_port = ssh_port,
			     .healthy = healthy,
			     .reference = reference,
			     .reference_after_ns = reference_after_ns };
	world_run(w, timeout_ns);
}

void world_run_simple(struct world *w, enum ssh_port ssh_port, bool healthy, int64_t timeout_ns)
{
	world_run_beside(w, ssh_port, healthy, timeout_ns, 0, 0);
}
