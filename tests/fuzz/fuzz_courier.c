/* Letters as the courier takes them: whatever they say, nothing leaves but to the run's own
 * targets, from its own address and ports, and no more than the licence has. The kernel's part is
 * played. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "craft/delivery.h"
#include "craft/shape.h"
#include "expect.h"
#include "fuzz.h"
#include "patch.h"
#include "plan/pace.h"
#include "sshwhy/packet.h"

#define KERNEL	  61000
#define CRAFTED	  62000
#define REFERENCE 2201
#define LISTENER  2022

static const char *const sources[] = { "10.20.0.10", "2001:db8:20::10" };
static const char *const targets[] = { "20.99.0.4", "2001:db8:99::4" };
static const char *const nears[] = { "10.20.0.20", "2001:db8:20::20" };

/* -- the kernel, played --------------------------------------------------------------------- */

static struct sender *sender;
static unsigned sent, connected;

int __wrap_socket(int family, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t length);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t to_length);

static int any_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	return fd;
}

int __wrap_socket(int family, int type, int protocol)
{
	(void)family, (void)type, (void)protocol;
	return any_descriptor();
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	int segment_max;
	if (level == IPPROTO_TCP && option == TCP_MAXSEG) {
		expect(fcntl(fd, F_GETFD) >= 0 && length == sizeof(segment_max));
		memcpy(&segment_max, value, sizeof(segment_max));
		expect(segment_max == SMALL_SEGMENT);
	}
	return 0;
}

static bool is_one_of(const struct address *address, const char *const texts[2])
{
	struct address v4 = address_parse(texts[0]), v6 = address_parse(texts[1]);
	return address_equal(address, &v4) || address_equal(address, &v6);
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t length)
{
	uint16_t port;
	struct address address = address_from_sockaddr(to, &port);
	expect(fcntl(fd, F_GETFD) >= 0 && length > 0);
	expect(port == REFERENCE ? is_one_of(&address, nears) : is_one_of(&address, targets));
	connected++;
	errno = EINPROGRESS;
	return -1;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags,
		      const struct sockaddr *to, socklen_t to_length)
{
	struct packet packet;
	struct frame frame = { .bytes = bytes,
			       .captured = (uint32_t)length,
			       .on_wire = (uint32_t)length,
			       .link = LINK_RAW };
	(void)flags;
	expect(fcntl(fd, F_GETFD) >= 0 && length <= PACKET_MAX && to != NULL && to_length > 0);
	decode(&frame, &packet);
	expect(is_one_of(&packet.source, sources) && is_one_of(&packet.destination, targets));
	expect(packet.protocol == IP_TCP && packet.ttl >= 1 && packet.ttl <= 64);
	bool crafted =
		packet.source_port >= CRAFTED && packet.source_port < CRAFTED + PLAN_CRAFTED_PORTS;
	bool copy = packet.source_port == KERNEL && packet.destination_port == 22 &&
		    packet.flags == (TCP_ACK | TCP_PSH);
	expect(crafted ? packet.payload_length == 0 : copy);
	sent++;
	return (ssize_t)length;
}

/* -- a courier with two sessions --------------------------------------------------------------- */

static void set_session(struct delivery_session *session, unsigned which, bool deep)
{
	struct error error;
	struct route route = { .index = 3,
			       .source = address_parse(sources[which]),
			       .mtu = 1500,
			       .hardware = ARPHRD_ETHER,
			       .has_link_address = true };
	struct plan_config config = { .control_ports = { 80, CLOSED_PORT },
				      .control_count = 2,
				      .kernel_ports = KERNEL,
				      .crafted_ports = CRAFTED,
				      .reference = REFERENCE,
				      .deep = deep,
				      .full_ttl = 64 };
	*session = (struct delivery_session){
		.target.address = address_parse(targets[which]),
		.reference.address = address_parse(nears[which]),
	};
	licence_grant(&session->licence, &config, 22);
	licence_add_listener(&session->licence, LISTENER);
	session->craft = craft_share(sender, &session->target.address, &route, &error);
	expect(session->craft != NULL);
	for (unsigned i = 0; i < PLAN_KERNEL_PORTS; i++)
		session->socket[i] = any_descriptor();
}

static void begin(struct delivery *delivery, bool deep)
{
	struct error error;
	if (sender == NULL)
		sender = sender_open(0, NULL, &error);
	expect(sender != NULL);
	*delivery = (struct delivery){ .count = 2 };
	for (unsigned i = 0; i < 2; i++)
		set_session(&delivery->session[i], i, deep);
	sent = connected = 0;
}

static void end(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++) {
		for (unsigned n = 0; n < PLAN_KERNEL_PORTS; n++)
			if (delivery->session[i].socket[n] >= 0)
				close(delivery->session[i].socket[n]);
		craft_close(delivery->session[i].craft);
	}
}

/* -- letters --------------------------------------------------------------------------------- */

/* One that a plan might write; what the input changes of it comes after. */
static size_t usual_letter(struct letter *letter, uint8_t which)
{
	static const uint8_t gateway[6] = { 2, 0, 0, 0, 0, 1 }, words[] = "SSH-2.0-x\r\n";
	struct action syn = { .kind = ACTION_SEND,
			      .way = which & 8 ? WAY_LINK : WAY_RAW,
			      .local_port = CRAFTED,
			      .remote_port = 22,
			      .ttl = 3,
			      .flags = TCP_SYN,
			      .ip_id = 1,
			      .window = CLIENT_WINDOW };
	struct action copy = syn, connection = { .kind = ACTION_CONNECT,
						 .local_port = KERNEL,
						 .remote_port = 22 };
	copy.way = WAY_LINK;
	copy.local_port = KERNEL;
	copy.flags = TCP_ACK | TCP_PSH;
	copy.payload = words;
	copy.payload_length = sizeof(words) - 1;
	size_t session = which >> 2 & 1;
	switch (which & 3) {
	case 0:
		return letter_of_action(letter, session, &syn);
	case 1:
		return letter_of_action(letter, session, &copy);
	case 2:
		return letter_of_action(letter, session, &connection);
	default:
		return letter_of_next_hop(letter, session, gateway, sizeof(gateway));
	}
}

/* Of the exact size: a step behind what was received is seen. */
static struct receipt deliver(struct delivery *delivery, const struct letter *letter, size_t length)
{
	struct letter *exact = malloc(length + (length == 0));
	expect(exact != NULL);
	memcpy(exact, letter, length);
	struct receipt receipt = delivery_take(delivery, exact, length);
	free(exact);
	return receipt;
}

static void take_letter(struct delivery *delivery, struct cursor *input)
{
	struct letter letter = { 0 };
	uint8_t which = cursor_u8(input);
	size_t length = usual_letter(&letter, which);
	unsigned did = sent + connected, refused = delivery->refused;
	expect(length > 0);
	if (which & 16)
		length = cursor_be16(input) % (sizeof(letter) + 1);
	if (which & 32)
		patch(&letter, sizeof(letter), input);
	struct receipt receipt = deliver(delivery, &letter, length);
	expect(receipt.refused == delivery->refused && receipt.refused - refused <= 1);
	if (receipt.refused != refused)
		expect(receipt.error == EPERM && sent + connected == did);
	expect(sent + connected - did <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	struct delivery delivery;
	begin(&delivery, cursor_u8(&input) & 1);
	while (input.left > 0 && !input.failed)
		take_letter(&delivery, &input);
	end(&delivery);
	return 0;
}
