/* The plan against small networks in virtual time: what it sends, and when it stops. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plan/cookie.h"
#include "plan/plan.h"

#define MS(n)	 ((int64_t)(n)*1000000)
#define ROUTERS	 3
#define DISTANCE 5

/* What a SYN to the SSH port meets at the VM; control ports are closed (reset). */
enum ssh_port { SILENT, OPEN, CLOSED };

struct world {
	struct run run;
	struct plan *plan;
	int64_t now;
	uint64_t frames;
	enum ssh_port ssh_port;
	bool healthy;
	unsigned connects, crafted, resets_sent;
	uint16_t reference;	    /* its port; 0: there is none */
	int64_t reference_after_ns; /* how long its answer takes; 0: it is silent */
	int64_t reference_due_ns;   /* then it comes */
	bool reference_accepts;
	unsigned references;
	bool at_vm;	     /* the target is this machine: crafted frames come to nobody */
	int64_t listener[3]; /* ports of who listens there, as is told: they accept */
	unsigned listeners;
	bool listener_speaks;		   /* and are SSH */
	uint16_t tried[PLAN_KERNEL_PORTS]; /* ports connected to for SSH elsewhere */
	unsigned tries, asked_elsewhere;   /* asked: with crafted SYNs */
	int64_t first_crafted_ns;
	bool edge_drops;			   /* hop 1 drops SYNs to the SSH port */
	bool deep, vm_reassembles;		   /* fragments to the SSH port arrive, too */
	unsigned fragments[2], acks[2], plains[2]; /* to the SSH port, and to others */
	struct packet given_up[16];		   /* what the VM will say of fragments, by time */
	unsigned given_up_count, given_up_said;
	uint32_t heavy_sequence[PURPOSES][2]; /* of the last */
	uint8_t farthest;		      /* greatest TTL of a sweep */
	int64_t done_ns;
	bool gap;	 /* the server's first words are lost, its next come */
	unsigned copies; /* of the client's first words */
	uint32_t copies_acknowledge;
};

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

static void give(struct world *w, struct packet packet)
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
	give(w, (struct packet){ .end = DECODE_COMPLETE,
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

/* The network: routers 1..3 answer, hop 4 does not, the VM is at 5. */
static void answer(struct world *w, const struct packet *syn)
{
	bool ssh = syn->destination_port == 22;
	if (w->edge_drops && ssh && syn->ttl > 1)
		return;
	if (syn->ttl <= ROUTERS) {
		give_exceeded(w, syn);
		return;
	}
	if (syn->ttl < DISTANCE || (ssh && w->ssh_port == SILENT))
		return;
	bool open = ssh && w->ssh_port == OPEN;
	struct packet reply = out_packet(w, syn->source_port, syn->destination_port, 60,
					 open ? TCP_SYN | TCP_ACK : TCP_RST | TCP_ACK, 77);
	reply.source = w->run.address;
	reply.destination = w->run.local_address;
	reply.source_port = syn->destination_port;
	reply.destination_port = syn->source_port;
	reply.acknowledgement = syn->sequence + 1;
	give(w, reply);
}

static void act_reference(struct world *w, const struct action *action)
{
	w->references++;
	w->reference_due_ns = w->reference_after_ns ? w->now + w->reference_after_ns : INT64_MAX;
	assert_int_equal(action->remote_port, w->reference);
	assert_int_equal(action->local_port, 61000 + PLAN_KERNEL_PORTS - 1);
	struct packet syn = out_packet(w, action->local_port, action->remote_port, 64, TCP_SYN, 9);
	syn.destination = address_parse("10.20.0.20");
	give(w, syn);
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
	give(w, reply);
	tell(w, (struct event){ .kind = EVENT_CONNECT,
				.local_port = local,
				.error = w->reference_accepts ? 0 : ECONNREFUSED });
}

/* The kernel opens a connection: its SYN is on the wire. */
static struct packet kernel_opens(struct world *w, const struct action *action)
{
	struct packet syn = out_packet(w, action->local_port, action->remote_port, 64, TCP_SYN, 5);
	give(w, syn);
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
	give(w, reply);
	struct packet ack = out_packet(w, action->local_port, action->remote_port, 64, TCP_ACK, 6);
	ack.acknowledgement = 78;
	give(w, ack);
	tell(w, (struct event){ .kind = EVENT_CONNECT, .local_port = action->local_port });
	if (!w->listener_speaks)
		return;
	reply.flags = TCP_ACK | TCP_PSH;
	reply.sequence = 78;
	reply.payload = banner;
	reply.payload_length = reply.payload_captured = sizeof(banner) - 1;
	give(w, reply);
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
	struct packet syn = kernel_opens(w, action);
	answer(w, &syn);
	if (w->ssh_port != SILENT)
		tell(w, (struct event){ .kind = EVENT_CONNECT,
					.local_port = action->local_port,
					.error = w->ssh_port == OPEN ? 0 : ECONNREFUSED });
}

#define SERVER_FIRST 77 /* of answer()'s SYN-ACKs; the client's is 5 */

static void say(struct world *w, const struct action *action, bool server, uint32_t sequence,
		uint32_t acknowledges, const char *text)
{
	struct packet packet = out_packet(w, action->local_port, 22, 64, TCP_ACK, sequence);
	if (server) {
		packet.source = w->run.address;
		packet.destination = w->run.local_address;
		packet.source_port = 22;
		packet.destination_port = action->local_port;
	}
	packet.acknowledgement = acknowledges;
	packet.payload = (const uint8_t *)text;
	packet.payload_captured = (uint32_t)strlen(text);
	packet.payload_length = (uint32_t)strlen(text);
	give(w, packet);
}

/* The client identifies itself; the server's identification is lost, what follows it is not. */
static void talk_with_a_gap(struct world *w, const struct action *action)
{
	static const char client[] = "SSH-2.0-libssh_0.10\r\n";
	uint32_t first = SERVER_FIRST + 1, heard = 6 + (uint32_t)sizeof(client) - 1;
	say(w, action, false, 6, first, "");
	say(w, action, false, 6, first, client);
	say(w, action, true, first + 41, heard, "what comes behind");
	say(w, action, false, heard, first, "");
}

static void act_talk(struct world *w, const struct action *action)
{
	if (w->gap)
		talk_with_a_gap(w, action);
	if (!w->healthy)
		return;
	tell(w, (struct event){ .kind = EVENT_AUTH,
				.local_port = action->local_port,
				.text = "publickey" });
	tell(w, (struct event){ .kind = EVENT_SSH,
				.local_port = action->local_port,
				.text = "authentication" });
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
	assert_int_equal(action->opens, action->flags == TCP_SYN);
	if (action->flags != TCP_SYN)
		return;
	if (action->ttl < 64 && action->ttl > w->farthest)
		w->farthest = action->ttl;
	struct packet syn = out_packet(w, action->local_port, action->remote_port, action->ttl,
				       TCP_SYN, action->sequence);
	w->asked_elsewhere += action->purpose == PURPOSE_ELSEWHERE;
	give(w, syn);
	if (!w->at_vm)
		answer(w, &syn);
}

#define REASSEMBLY MS(30500)

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
		give(w, w->given_up[w->given_up_said++]);
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
	give(w, packet);
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

static void run_in(struct world *w, int64_t timeout)
{
	w->now = MS(1000);
	w->run = (struct run){ .planned = true,
			       .port = 22,
			       .host = "vm",
			       .address = address_parse("20.99.0.4"),
			       .local_address = address_parse("10.20.0.10"),
			       .deployment = DEPLOYMENT_ARM,
			       .started_ns = w->now };
	struct plan_config config = { .control_ports = { 80, 443, CLOSED_PORT },
				      .control_count = 3,
				      .kernel_ports = 61000,
				      .crafted_ports = 61004,
				      .deadline_ns = w->now + timeout,
				      .reference = w->reference,
				      .deep = w->deep,
				      .crafted = true,
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
	plan_free(w->plan);
	run_free(&w->run);
}

static void run_beside(struct world *w, enum ssh_port ssh_port, bool healthy, int64_t timeout,
		       uint16_t reference, int64_t reference_after_ns)
{
	*w = (struct world){ .ssh_port = ssh_port,
			     .healthy = healthy,
			     .reference = reference,
			     .reference_after_ns = reference_after_ns };
	run_in(w, timeout);
}

static void run_world(struct world *w, enum ssh_port ssh_port, bool healthy, int64_t timeout)
{
	run_beside(w, ssh_port, healthy, timeout, 0, 0);
}

static void a_healthy_vm_sees_no_crafted_packet(void **state)
{
	(void)state;
	struct world w;
	run_world(&w, OPEN, true, MS(10000));
	assert_int_equal(w.crafted, 0);
	assert_int_equal(w.connects, 1);
	assert_true(w.done_ns < MS(200));
}

static void a_closed_port_is_settled_quickly(void **state)
{
	(void)state;
	struct world w;
	run_world(&w, CLOSED, false, MS(10000));
	assert_true(w.done_ns < MS(1000));
	assert_true(w.connects <= 3);
	assert_true(w.farthest <= DISTANCE + 1); /* a sweep ends at the first answer */
}

static void silence_takes_three_seconds_at_most(void **state)
{
	(void)state;
	struct world w;
	run_world(&w, SILENT, false, MS(10000));
	assert_true(w.done_ns > MS(1500));
	assert_true(w.done_ns <= MS(3000));
	assert_true(w.crafted < 400);
}

static void half_open_connections_are_reset(void **state)
{
	(void)state;
	struct world w;
	run_world(&w, OPEN, false, MS(10000));
	assert_true(w.resets_sent > 0);
	assert_int_equal(w.connects, 1);
}

static void the_deadline_holds(void **state)
{
	(void)state;
	struct world w;
	run_world(&w, SILENT, false, MS(700));
	assert_true(w.done_ns <= MS(800));
}

static void the_reference_is_asked_once(void **state)
{
	(void)state;
	struct world w;
	run_beside(&w, OPEN, true, MS(10000), 2222, MS(1));
	assert_int_equal(w.references, 1);
	assert_int_equal(w.connects, 1);
	assert_true(w.done_ns < MS(200));
	run_world(&w, OPEN, true, MS(10000));
	assert_int_equal(w.references, 0);
}

/* It is waited for, but not for ever, and hardly when the verdict stands. */
static void the_reference_is_waited_for(void **state)
{
	(void)state;
	struct world w;
	run_beside(&w, CLOSED, false, MS(10000), 22, 0);
	assert_true(w.done_ns >= MS(3000) && w.done_ns <= MS(4000));
	run_beside(&w, CLOSED, false, MS(10000), 22, MS(1500));
	assert_true(w.done_ns >= MS(1500) && w.done_ns <= MS(1700));
	run_beside(&w, OPEN, true, MS(10000), 22, 0);
	assert_true(w.done_ns >= MS(200) && w.done_ns <= MS(400));
}

/* Its acceptance is not the target's. */
static void the_reference_delays_nothing(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT,
			   .reference = 22,
			   .reference_after_ns = MS(1),
			   .reference_accepts = true };
	run_in(&w, MS(10000));
	assert_true(w.first_crafted_ns <= MS(300));
}

/* Five pairs within the VM's limit of errors, a time of reassembly, and not for ever. */
static void deep_sends_fragments_and_waits(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT, .deep = true };
	run_in(&w, MS(90000));
	assert_int_equal(w.fragments[0], 5);
	assert_int_equal(w.fragments[1], 5);
	assert_int_equal(w.acks[0], 2);
	assert_int_equal(w.acks[1], 2);
	assert_int_equal(w.plains[0], 2);
	assert_int_equal(w.given_up_said, 5);
	assert_true(w.done_ns > MS(2500) + REASSEMBLY && w.done_ns < MS(45000));
}

static void deep_ends_with_the_first_word_of_the_vm(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT, .deep = true, .vm_reassembles = true };
	run_in(&w, MS(90000));
	assert_true(w.done_ns > REASSEMBLY && w.done_ns < MS(3200) + REASSEMBLY);
}

static void deep_is_for_doubt(void **state)
{
	(void)state;
	struct world w = { .ssh_port = SILENT, .deep = true, .edge_drops = true };
	run_in(&w, MS(90000));
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	assert_true(w.done_ns <= MS(3000));
}

/* Where packets are answered, or the user did not ask for it, nothing is different. */
static void deep_is_for_silence(void **state)
{
	(void)state;
	struct world w = { .ssh_port = CLOSED, .deep = true };
	run_in(&w, MS(90000));
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	assert_true(w.done_ns < MS(1000));
	w = (struct world){ .ssh_port = OPEN, .deep = true, .healthy = true };
	run_in(&w, MS(90000));
	assert_int_equal(w.crafted, 0);
	w = (struct world){ .ssh_port = SILENT };
	run_in(&w, MS(90000));
	assert_int_equal(w.fragments[0] + w.acks[0] + w.plains[0], 0);
	assert_true(w.done_ns <= MS(3000));
	w = (struct world){ .ssh_port = SILENT, .deep = true };
	run_in(&w, MS(5000));
	assert_true(w.done_ns <= MS(5100));
}

/* What is sent in the kernel's name acknowledges no more than the kernel has: or the server
 * would never say again what was lost. */
static void copies_acknowledge_what_came(void **state)
{
	(void)state;
	struct world w = { .ssh_port = OPEN, .gap = true };
	run_in(&w, MS(5000));
	assert_true(w.copies > 0);
	assert_int_equal(w.copies_acknowledge, SERVER_FIRST + 1);
}

/* On the VM itself its own table says where SSH may be: nothing else is asked. */
static void who_listens_on_the_vm_is_heard(void **state)
{
	(void)state;
	struct world w = { .ssh_port = CLOSED,
			   .at_vm = true,
			   .listener = { 7022 },
			   .listeners = 1,
			   .listener_speaks = true };
	run_in(&w, MS(10000));
	assert_int_equal(w.tries, 1);
	assert_int_equal(w.tried[0], 7022);
	assert_int_equal(w.asked_elsewhere, 0);
	assert_true(w.done_ns < MS(1500));
}

/* Three connections to a target at most; what does not speak is not waited for long. */
static void two_who_listen_are_tried(void **state)
{
	(void)state;
	struct world w = {
		.ssh_port = CLOSED, .at_vm = true, .listener = { 7022, 8022, 9022 }, .listeners = 3
	};
	run_in(&w, MS(10000));
	assert_int_equal(w.connects, 1);
	assert_int_equal(w.tries, 2);
	assert_int_equal(w.tried[0], 7022);
	assert_int_equal(w.tried[1], 8022);
	assert_true(w.done_ns > MS(800) && w.done_ns < MS(3000));
	w = (struct world){
		.ssh_port = CLOSED, .at_vm = true, .listener = { 7022 }, .listeners = 1
	};
	run_in(&w, MS(10000));
	assert_int_equal(w.tries, 1);
	assert_true(w.done_ns > MS(800) && w.done_ns < MS(1500));
}

static void nobody_listens_on_the_vm(void **state)
{
	(void)state;
	struct world w = { .ssh_port = CLOSED, .at_vm = true, .listener = { 0 }, .listeners = 1 };
	run_in(&w, MS(10000));
	assert_int_equal(w.tries + w.asked_elsewhere, 0);
	assert_true(w.done_ns < MS(1000));
	/* nor where the port that was asked for is open */
	w = (struct world){ .ssh_port = OPEN,
			    .at_vm = true,
			    .listener = { 7022 },
			    .listeners = 1,
			    .listener_speaks = true };
	run_in(&w, MS(10000));
	assert_int_equal(w.tries, 0);
	/* and where nothing was told, all is as it was */
	w = (struct world){ .ssh_port = CLOSED, .at_vm = true };
	run_in(&w, MS(10000));
	assert_int_equal(w.tries, 0);
	assert_true(w.done_ns < MS(1000));
}

static void cookies_differ_by_key_ports_and_try(void **state)
{
	(void)state;
	const uint8_t key[16] = { 1 }, other[16] = { 2 };
	struct address target = address_parse("20.99.0.4");
	uint32_t secret = cookie(key, &target, 61000, 22);
	assert_int_equal(secret, cookie(key, &target, 61000, 22));
	assert_true(secret <= 0xffffff);
	assert_int_not_equal(secret, cookie(other, &target, 61000, 22));
	assert_int_not_equal(secret, cookie(key, &target, 61001, 22));
	assert_int_not_equal(secret, cookie(key, &target, 61000, 80));
	assert_int_not_equal(cookie_sequence(secret, 1, 0), cookie_sequence(secret, 1, 1));
	assert_int_not_equal(cookie_sequence(secret, 1, 0), cookie_sequence(secret, 2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_vm_sees_no_crafted_packet),
		cmocka_unit_test(a_closed_port_is_settled_quickly),
		cmocka_unit_test(silence_takes_three_seconds_at_most),
		cmocka_unit_test(half_open_connections_are_reset),
		cmocka_unit_test(the_deadline_holds),
		cmocka_unit_test(the_reference_is_asked_once),
		cmocka_unit_test(the_reference_is_waited_for),
		cmocka_unit_test(the_reference_delays_nothing),
		cmocka_unit_test(deep_sends_fragments_and_waits),
		cmocka_unit_test(deep_ends_with_the_first_word_of_the_vm),
		cmocka_unit_test(deep_is_for_doubt),
		cmocka_unit_test(deep_is_for_silence),
		cmocka_unit_test(copies_acknowledge_what_came),
		cmocka_unit_test(who_listens_on_the_vm_is_heard),
		cmocka_unit_test(two_who_listen_are_tried),
		cmocka_unit_test(nobody_listens_on_the_vm),
		cmocka_unit_test(cookies_differ_by_key_ports_and_try),
	};
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
