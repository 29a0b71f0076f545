/* Loads an interface with traffic that is not SSH, to see what a watcher loses.
 *
 *   load INTERFACE PER_SECOND SECONDS [syn]
 *
 * Ethernet frames of 60 to 500 bytes from many addresses, to a machine that is not there:
 * TCP segments to port 443 and UDP, half each; or, with `syn`, SYNs alone. Prints how many
 * frames were sent, and how many each second. Needs CAP_NET_RAW.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, ETHERNET = 14, IP = 20, HEADERS = ETHERNET + IP + 20, FRAME_MAX = 500 };

struct load {
	int fd;
	bool syns;
	uint64_t per_second, sent;
	uint32_t dice;
	uint8_t frames[BATCH][FRAME_MAX];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

static uint32_t dice(struct load *load)
{
	load->dice = load->dice * 1664525 + 1013904223;
	return load->dice >> 8;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* What stays the same in all frames of this place in the batch. */
static void prepare(struct load *load, unsigned i)
{
	uint8_t *ip = load->frames[i] + ETHERNET, *transport = ip + IP;
	bool tcp = load->syns || i % 2 == 0;
	size_t length = load->syns ? 60 : 60 + i * 45 % 440;
	memcpy(load->frames[i], "\x02\0\0\0\0\x77\x02\0\0\0\0\x66\x08\0", ETHERNET);
	memcpy(ip, "\x45\0\0\0\0\0\0\0\x40\0\0\0\x0a\xc8\0\0\x0a\xc9\0\1", IP);
	put16(ip + 2, length - ETHERNET);
	ip[9] = tcp ? 6 : 17;
	put16(transport + 2, 443);
	put16(transport + 4, length - ETHERNET - IP); /* of UDP */
	if (tcp) {
		transport[12] = 5 << 4;
		transport[13] = load->syns ? 0x02 : 0x10;
	}
	load->parts[i] = (struct iovec){ load->frames[i], length };
	load->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &load->parts[i], .msg_iovlen = 1 };
}

static void vary(struct load *load)
{
	for (unsigned i = 0; i < BATCH; i++) {
		uint8_t *ip = load->frames[i] + ETHERNET;
		put16(ip + 14, dice(load) & 0xffff);
		put16(ip + IP, 1024 + dice(load) % 60000);
	}
}

static int64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* What was not sent in time is made up for, but for what is late by more than a fifth of a
 * second: that would be a rush. */
static void run(struct load *load, int64_t seconds)
{
	int64_t begun = now_ns(), each = (int64_t)(BATCH * UINT64_C(1000000000) / load->per_second);
	int64_t due = begun, now;
	while ((now = now_ns()) < begun + seconds * 1000000000) {
		if (now < due) {
			struct timespec rest = { 0, due - now };
			if (due - now > 100000)
				nanosleep(&rest, NULL);
			continue;
		}
		due = now - due > 200000000 ? now : due + each;
		vary(load);
		int sent = sendmmsg(load->fd, load->messages, BATCH, 0);
		load->sent += sent > 0 ? (uint64_t)sent : 0;
	}
	printf("%llu %.0f\n", (unsigned long long)load->sent,
	       (double)load->sent * 1e9 / (double)(now - begun));
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(interface) };
	int on = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 4 || argc > 5)
		return 64;
	struct load *load = calloc(1, sizeof(*load));
	if (load == NULL)
		return 1;
	load->per_second = strtoull(argv[2], NULL, 10);
	load->syns = argc == 5 && strcmp(argv[4], "syn") == 0;
	load->fd = open_socket(argv[1]);
	if (load->fd < 0 || load->per_second == 0) {
		perror(argv[1]);
		return 1;
	}
	for (unsigned i = 0; i < BATCH; i++)
		prepare(load, i);
	run(load, strtoll(argv[3], NULL, 10));
	close(load->fd);
	free(load);
	return 0;
}
