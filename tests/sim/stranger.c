#include "stranger.h"

static const char words[] = "HTTP/1.1 400 Bad Request\r\n";

void stranger_start(struct stranger *stranger, const struct scenario *scenario, uint16_t first_port,
		    int64_t now_ns)
{
	bool sends = scenario->weather.strangers != STRANGERS_NONE;
	*stranger = (struct stranger){ .scenario = scenario,
				       .dice = dice_for(scenario->seed, 12),
				       .first_port = first_port,
				       .answered = true };
	stranger->next_ns = sends ? now_ns : INT64_MAX;
}

static uint16_t any_port(struct stranger *stranger)
{
	return (uint16_t)(stranger->first_port + dice_below(&stranger->dice, CLIENT_PORTS));
}

static uint32_t any_number(struct stranger *stranger)
{
	return (uint32_t)(dice_next(&stranger->dice) >> 32);
}

static struct address neighbour(const struct scenario *s)
{
	struct address address = s->local;
	address.bytes[address.family == 6 ? 15 : 3] ^= 0x40;
	return address;
}

/* In the target's name, with numbers that are a guess. */
static struct packet forged(struct stranger *stranger, uint8_t flags)
{
	const struct scenario *s = stranger->scenario;
	struct packet packet = { .direction = DIRECTION_IN,
				 .protocol = IP_TCP,
				 .source = s->target,
				 .destination = s->local,
				 .source_port = 22,
				 .destination_port = any_port(stranger),
				 .ttl = (uint8_t)(40 + dice_below(&stranger->dice, 25)),
				 .sequence = any_number(stranger),
				 .acknowledgement = any_number(stranger),
				 .flags = flags,
				 .window = 1024,
				 .wscale = 255 };
	if (flags & TCP_PSH) {
		packet.payload = (const uint8_t *)words;
		packet.payload_length = packet.payload_captured = sizeof(words) - 1;
	}
	return packet;
}

static struct packet guessed_error(struct stranger *stranger)
{
	const struct scenario *s = stranger->scenario;
	bool six = s->target.family == 6, unreachable = dice_chance(&stranger->dice, 0.5);
	struct packet packet = { .direction = DIRECTION_IN,
				 .protocol = six ? IP_ICMP6 : IP_ICMP,
				 .source = unreachable ? s->target : s->node[0].address,
				 .destination = s->local,
				 .ttl = 62,
				 .icmp_type = six ? (unreachable ? 1 : 3) : (unreachable ? 3 : 11),
				 .icmp_code = six || !unreachable ? 0 : 13 };
	packet.quote = (struct quote){ .present = true,
				       .has_ports = true,
				       .has_sequence = true,
				       .source = s->local,
				       .destination = s->target,
				       .protocol = IP_TCP,
				       .ttl = 1,
				       .source_port = any_port(stranger),
				       .destination_port = 22,
				       .sequence = any_number(stranger) };
	return packet;
}

/* Somebody connects to a service of the client's, from a port that is one of the run's too; and
 * the way back of such a connection. */
static struct packet visit(struct stranger *stranger)
{
	const struct scenario *s = stranger->scenario;
	struct packet packet = forged(stranger, TCP_SYN);
	packet.source = neighbour(s);
	packet.source_port = packet.destination_port;
	packet.destination_port = dice_chance(&stranger->dice, 0.5) ? 22 : any_port(stranger);
	return packet;
}

static struct packet arrives(struct stranger *stranger)
{
	switch (stranger->scenario->weather.strangers) {
	case STRANGERS_RESET:
		return forged(stranger, TCP_RST);
	case STRANGERS_FIN:
		return forged(stranger, TCP_FIN | TCP_ACK);
	case STRANGERS_ACK:
		return forged(stranger, TCP_ACK);
	case STRANGERS_WORDS:
		return forged(stranger, TCP_PSH | TCP_ACK);
	case STRANGERS_SYN_ACK:
		return forged(stranger, TCP_SYN | TCP_ACK);
	case STRANGERS_ERROR:
		return guessed_error(stranger);
	case STRANGERS_VISIT:
	default:
		return visit(stranger);
	}
}

/* RFC 9293 3.10.7.1, as where there is no such connection. */
static struct packet kernel_reset(struct stranger *stranger)
{
	struct packet packet = stranger->last;
	packet.direction = DIRECTION_OUT;
	packet.source = stranger->last.destination;
	packet.destination = stranger->last.source;
	packet.source_port = stranger->last.destination_port;
	packet.destination_port = stranger->last.source_port;
	packet.sequence = stranger->last.acknowledgement;
	packet.acknowledgement = 0;
	packet.flags = TCP_RST;
	packet.ttl = 64;
	packet.payload = NULL;
	packet.payload_length = packet.payload_captured = 0;
	return packet;
}

struct packet stranger_packet(struct stranger *stranger)
{
	if (!stranger->answered) {
		stranger->answered = true;
		return kernel_reset(stranger);
	}
	struct packet packet = arrives(stranger);
	packet.time_ns = stranger->next_ns;
	stranger->last = packet;
	bool reset = packet.protocol == IP_TCP && !(packet.flags & TCP_RST);
	stranger->answered = !reset || dice_chance(&stranger->dice, 0.5);
	if (stranger->answered)
		stranger->next_ns += stranger->scenario->weather.strange_ns;
	return packet;
}
