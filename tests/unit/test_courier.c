/* probe/craft/delivery: whatever the bytes of a letter, nothing leaves but to the run's own
 * targets, from its own ports, by the sockets it was given. The system calls are played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "craft/delivery.h"
#include "sshwhy/packet.h"

#define KERNEL	61000
#define CRAFTED 62000
#define TARGET	"20.99.0.4"
#define NEAR	"10.20.0.20"
#define SOURCE	"10.20.0.10"

/* -- the kernel, played ----------------------------------------------------------------- */

/* What was asked of it last, and how often. */
static struct kernel {
	unsigned sent, connected, segment_max;
	struct packet packet;
	struct sockaddr_ll next_hop;
	struct sockaddr_in peer;
	int refusal; /* of what is sent */
} kernel;

int __wrap_socket(int family, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t length);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t to_length);

int __wrap_socket(int family, int type, int protocol)
{
	(void)family, (void)type, (void)protocol;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	(void)fd, (void)length;
	if (level == IPPROTO_TCP && option == TCP_MAXSEG)
		kernel.segment_max = (unsigned)*(const int *)value;
	return 0;
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t length)
{
	assert_true(fcntl(fd, F_GETFD) >= 0);
	assert_int_equal(length, sizeof(kernel.peer));
	memcpy(&kernel.peer, to, sizeof(kernel.peer));
	kernel.connected++;
	errno = EINPROGRESS;
	return -1;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t to_length)
{
	struct frame frame = { .bytes = bytes,
			       .captured = (uint32_t)length,
			       .on_wire = (uint32_t)length,
			       .link = LINK_RAW };
	(void)fd, (void)flags;
	decode(&frame, &kernel.packet);
	if (to_length == sizeof(kernel.next_hop))
		memcpy(&kernel.next_hop, to, sizeof(kernel.next_hop));
	kernel.sent++;
	errno = kernel.refusal;
	return kernel.refusal != 0 ? -1 : (ssize_t)length;
}

/* -- a courier's bag ------------------------------------------------------------------------ */

static struct sender *sender;

static void set_route(struct route *route)
{
	*route = (struct route){ .index = 3,
				 .source = address_parse(SOURCE),
				 .mtu = 1500,
				 .hardware = ARPHRD_ETHER,
				 .has_link_address = true };
}

static void set_session(struct delivery_session *session, bool deep)
{
	struct route route;
	struct plan_config config = { .control_ports = { 80, CLOSED_PORT },
				      .control_count = 2,
				      .kernel_ports = KERNEL,
				      .crafted_ports = CRAFTED,
				      .reference = 2201,
				      .deep = deep,
				      .full_ttl = 64 };
	set_route(&route);
	*session = (struct delivery_session){ .target.address = address_parse(TARGET),
					      .reference.address = address_parse(NEAR) };
	licence_grant(&session->licence, &config, 22);
	session->craft = craft_share(sender, &session->target.address, &route, NULL);
	for (unsigned i = 0; i < PLAN_KERNEL_PORTS; i++)
		session->socket[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int set_up(void **state)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	kernel = (struct kernel){ 0 };
	sender = sender_open(0, NULL, NULL);
	if (delivery == NULL || sender == NULL)
		return -1;
	set_session(&delivery->session[0], true);
	delivery->count = 1;
	*state = delivery;
	return 0;
}

static int tear_down(void **state)
{
	struct delivery *delivery = *state;
	for (unsigned i = 0; i < PLAN_KERNEL_PORTS; i++)
		if (delivery->session[0].socket[i] >= 0)
			close(delivery->session[0].socket[i]);
	craft_close(delivery->session[0].craft);
	sender_close(sender);
	free(delivery);
	return 0;
}

static struct action syn(void)
{
	return (struct action){ .kind = ACTION_SEND,
				.way = WAY_LINK,
				.local_port = CRAFTED,
				.remote_port = 22,
				.ttl = 3,
				.flags = TCP_SYN,
				.ip_id = 1,
				.window = 64240,
				.sequence = 0x12345678 };
}

static struct receipt carry(struct delivery *delivery, size_t session, struct action action)
{
	struct letter letter;
	size_t length = letter_of_action(&letter, session, &action);
	assert_true(length > 0);
	return delivery_take(delivery, &letter, length);
}

static struct receipt tell(struct delivery *delivery, const uint8_t *address, size_t length)
{
	struct letter letter;
	return delivery_take(delivery, &letter, letter_of_next_hop(&letter, 0, address, length));
}

static const uint8_t gateway[6] = { 2, 0, 0, 0, 0, 1 }, stranger[6] = { 2, 0, 0, 0, 0, 2 };

/* -- tests ------------------------------------------------------------------------------- */

static void test_sends_what_is_asked(void **state)
{
	struct delivery *delivery = *state;
	(void)tell(delivery, gateway, sizeof(gateway));
	struct receipt receipt = carry(delivery, 0, syn());
	struct address target = address_parse(TARGET), source = address_parse(SOURCE);
	assert_int_equal(receipt.error, 0);
	assert_int_equal(receipt.refused, 0);
	assert_int_equal(kernel.sent, 1);
	assert_true(address_equal(&kernel.packet.destination, &target));
	assert_true(address_equal(&kernel.packet.source, &source));
	assert_int_equal(kernel.packet.source_port, CRAFTED);
	assert_int_equal(kernel.packet.destination_port, 22);
	assert_int_equal(kernel.packet.sequence, 0x12345678);
	assert_int_equal(kernel.packet.ttl, 3);
	assert_memory_equal(kernel.next_hop.sll_addr, gateway, sizeof(gateway));
}

/* That a local rule refuses a packet is evidence, and not for the courier to judge. */
static void test_tells_refusals_of_the_kernel(void **state)
{
	struct delivery *delivery = *state;
	struct action raw = syn();
	raw.way = WAY_RAW;
	kernel.refusal = EPERM;
	struct receipt receipt = carry(delivery, 0, raw);
	assert_int_equal(receipt.error, EPERM);
	assert_int_equal(receipt.refused, 0);
}

static void test_next_hop_is_told_once(void **state)
{
	struct delivery *delivery = *state;
	assert_int_equal(carry(delivery, 0, syn()).error, EHOSTUNREACH);
	assert_int_equal(tell(delivery, gateway, sizeof(gateway)).refused, 0);
	assert_int_equal(tell(delivery, stranger, sizeof(stranger)).refused, 1);
	assert_int_equal(carry(delivery, 0, syn()).error, 0);
	assert_memory_equal(kernel.next_hop.sll_addr, gateway, sizeof(gateway));
}

static void test_connects(void **state)
{
	struct delivery *delivery = *state;
	struct action action = { .kind = ACTION_CONNECT,
				 .local_port = KERNEL + 1,
				 .remote_port = 2222,
				 .segment_max = 536 };
	int fd = delivery->session[0].socket[1];
	assert_int_equal(carry(delivery, 0, action).error, EINPROGRESS);
	assert_int_equal(kernel.segment_max, 536);
	assert_int_equal(kernel.peer.sin_addr.s_addr, inet_addr(TARGET));
	assert_int_equal(ntohs(kernel.peer.sin_port), 2222);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* ours is closed */
	assert_int_equal(carry(delivery, 0, action).refused, 1);
	struct action reference = { .kind = ACTION_CONNECT,
				    .local_port = KERNEL + PLAN_KERNEL_PORTS - 1,
				    .remote_port = 2201,
				    .to_reference = true };
	assert_int_equal(carry(delivery, 0, reference).error, EINPROGRESS);
	assert_int_equal(kernel.peer.sin_addr.s_addr, inet_addr(NEAR));
	assert_int_equal(kernel.connected, 2);
}

static void test_refuses_what_no_plan_does(void **state)
{
	struct delivery *delivery = *state;
	(void)tell(delivery, gateway, sizeof(gateway));
	struct action other_port = syn(), own_port = syn(), data = syn(), connection = syn();
	other_port.remote_port = 25;
	own_port.local_port = 40000;
	data.payload = gateway;
	data.payload_length = sizeof(gateway);
	connection.kind = ACTION_CONNECT;
	const struct action actions[] = { other_port, own_port, data, connection };
	uint32_t refused = 0;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct receipt receipt = carry(delivery, 0, actions[i]);
		assert_int_equal(receipt.error, EPERM);
		assert_int_equal(receipt.refused, ++refused);
	}
	assert_int_equal(carry(delivery, 1, syn()).refused, ++refused); /* no such session */
	assert_int_equal(carry(delivery, 255, syn()).refused, ++refused);
	assert_int_equal(kernel.sent + kernel.connected, 0);
}

static void test_refuses_torn_letters(void **state)
{
	struct delivery *delivery = *state;
	struct letter letter;
	struct action action = syn();
	size_t whole = letter_of_action(&letter, 0, &action);
	for (size_t length = 0; length < whole; length++)
		assert_int_equal(delivery_take(delivery, &letter, length).refused, length + 1);
	assert_int_equal(kernel.sent, 0);
}

/* -- any bytes ---------------------------------------------------------------------------- */

#define PORTS 13
static const uint16_t ports[PORTS] = { 22,   80,    CLOSED_PORT, 2222,	222,  2022, 22222,
				       2200, 22022, 10022,	 50022, 8022, 122 };

static bool is_known(uint16_t port)
{
	for (size_t i = 0; i < PORTS; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static uint32_t dice(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Near what is sent as a rule, or it would be refused for the first field. */
static size_t mutate(struct letter *letter, uint32_t *seed)
{
	struct action action = syn();
	action.way = dice(seed) % 2 ? WAY_LINK : WAY_RAW;
	size_t length = letter_of_action(letter, 0, &action);
	for (unsigned changes = dice(seed) % 6; changes > 0; changes--)
		((uint8_t *)letter)[dice(seed) % length] = (uint8_t)dice(seed);
	if (dice(seed) % 2)
		letter->remote_port = ports[dice(seed) % PORTS];
	if (dice(seed) % 4 == 0)
		letter->flags = (uint8_t)(1u << dice(seed) % 8);
	if (dice(seed) % 64 == 0)
		length = dice(seed) % sizeof(*letter);
	return length;
}

static void test_any_bytes(void **state)
{
	struct delivery *delivery = *state;
	struct address target = address_parse(TARGET), source = address_parse(SOURCE);
	struct licence fresh = delivery->session[0].licence;
	uint32_t seed = 7;
	struct letter letter;
	(void)tell(delivery, gateway, sizeof(gateway));
	memset(&letter, 0, sizeof(letter));
	for (unsigned i = 0; i < 200000; i++) {
		unsigned before = kernel.sent;
		delivery->session[0].licence = fresh;
		(void)delivery_take(delivery, &letter, mutate(&letter, &seed));
		if (kernel.sent == before)
			continue;
		const struct packet *packet = &kernel.packet;
		assert_true(address_equal(&packet->destination, &target));
		assert_true(address_equal(&packet->source, &source));
		assert_in_range(packet->source_port, CRAFTED, CRAFTED + PLAN_CRAFTED_PORTS - 1);
		assert_true(is_known(packet->destination_port));
		bool ecn = packet->flags == TCP_SYN_ECN && packet->destination_port == 22;
		assert_true(packet->flags == TCP_SYN || packet->flags == TCP_RST ||
			    packet->flags == TCP_ACK || ecn);
		assert_int_equal(packet->tos, 0); /* this run marks nothing */
		assert_int_equal(packet->payload_length, 0);
	}
	assert_in_range(kernel.sent, 20000, 150000); /* some of each */
	assert_true(delivery->refused > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sends_what_is_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tells_refusals_of_the_kernel, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_next_hop_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_what_no_plan_does, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_torn_letters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_bytes, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
