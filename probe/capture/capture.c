#include "capture/capture.h"

#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/parallel.h"

enum {
	/* A KEXINIT and a KEX reply whole, merged by offloading too. With the 70 bytes that
	 * libpcap puts before it, a frame fills its two pages of the ring to the last byte;
	 * one byte more would take four. */
	SNAPLEN = 8122,
	/* 512 such frames. The kernel clears the ring before it is ours: 16 MiB cost 10 ms more. */
	BUFFER = 4 * 1024 * 1024,
	/* Batches are packed: only what a frame has is used. The ring counts as this process's
	 * memory, which is bounded. */
	BUSY_BUFFER = 8 * 1024 * 1024,
	BATCH_MS = 100,
	ROUND = 256, /* frames in one capture_read(): a flood must not hold the caller */
	MAC = 6,
	WISHES = 4, /* captures opened at once: a run has four interfaces at most */
};

struct capture {
	pcap_t *pcap;
	uint32_t link, index;
	bool nanoseconds;
	bool has_address; /* `address` is the interface's own Ethernet address */
	uint8_t address[MAC];
};

/* pcap's DLT_* are the system's numbers, LINKTYPE_* the file format's: RAW differs. */
static uint32_t link_of(int dlt)
{
	return dlt == DLT_RAW ? LINK_RAW : (uint32_t)dlt;
}

static bool fail(struct capture *capture, int status, const char *interface, struct error *error)
{
	bool denied = status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED;
	const char *words = pcap_geterr(capture->pcap);

	return error_set(error, denied ? EXIT_NOT_PERMITTED : EXIT_UNAVAILABLE,
			 "capture on %s: %s%s%s", interface, pcap_statustostr(status),
			 words[0] != '\0' ? ": " : "", words);
}

/* How frames are handed over: each at once, or many together. */
struct pace {
	int buffer;
	bool immediate;
};

static const struct pace one_by_one = { BUFFER, true };
static const struct pace in_batches = { BUSY_BUFFER, false };

static bool activate(struct capture *capture, const char *interface, const struct pace *pace,
		     struct error *error)
{
	char words[PCAP_ERRBUF_SIZE] = "";

	capture->pcap = pcap_create(interface, words);
	if (capture->pcap == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "capture on %s: %s", interface, words);
	pcap_set_snaplen(capture->pcap, SNAPLEN);
	pcap_set_immediate_mode(capture->pcap, pace->immediate);
	pcap_set_timeout(capture->pcap, BATCH_MS);
	pcap_set_buffer_size(capture->pcap, pace->buffer);
	capture->nanoseconds =
		pcap_set_tstamp_precision(capture->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
	int status = pcap_activate(capture->pcap); /* > 0 is a warning */
	if (status < 0)
		return fail(capture, status, interface, error);
	if (pcap_setnonblock(capture->pcap, 1, words) != 0)
		return error_set(error, EXIT_UNAVAILABLE, "capture on %s: %s", interface, words);
	/* libpcap does not, and a child's copy would keep the ring alive */
	(void)fcntl(pcap_fileno(capture->pcap), F_SETFD, FD_CLOEXEC);
	capture->link = link_of(pcap_datalink(capture->pcap));
	return true;
}

static bool filter_fails(struct capture *capture, struct error *error)
{
	return error_set(error, EXIT_UNAVAILABLE, "capture filter: %s", pcap_geterr(capture->pcap));
}

/* Tagged frames have their fields four bytes later: "vlan and" moves the offsets. Link
 * types without tags do not compile that and need not. */
static bool compile(struct capture *capture, const struct capture_filter *filter,
		    struct bpf_program *program, struct error *error)
{
	size_t room = strlen(filter->plain) + strlen(filter->tagged) + 32;
	char *both = malloc(room);

	if (both == NULL)
		return error_set(error, EXIT_UNAVAILABLE, "capture filter: out of memory");
	snprintf(both, room, "(%s) or (vlan and (%s))", filter->plain, filter->tagged);
	int status = pcap_compile(capture->pcap, program, both, 1, PCAP_NETMASK_UNKNOWN);
	if (status != 0)
		status = pcap_compile(capture->pcap, program, filter->plain, 1,
				      PCAP_NETMASK_UNKNOWN);
	free(both);
	return status == 0 || filter_fails(capture, error);
}

static bool set_filter(struct capture *capture, const struct capture_filter *filter,
		       struct error *error)
{
	struct bpf_program program;

	if (!compile(capture, filter, &program, error))
		return false;
	bool set = pcap_setfilter(capture->pcap, &program) == 0 || filter_fails(capture, error);
	pcap_freecode(&program);
	return set;
}

/* For good: the process may be got the better of by what it reads. */
static void lock_filter(struct capture *capture)
{
	static const int on = 1;

	(void)setsockopt(pcap_fileno(capture->pcap), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

bool capture_narrow(struct capture *capture, const struct capture_filter *filter,
		    struct error *error)
{
	bool narrowed = set_filter(capture, filter, error);
	if (narrowed)
		lock_filter(capture);
	return narrowed;
}

/* Ethernet frames carry no direction; whose address is the source tells it. */
static void learn_address(struct capture *capture, const char *interface)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd >= 0 && capture->link == LINK_ETHERNET && ioctl(fd, SIOCGIFHWADDR, &request) == 0) {
		capture->has_address = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
		memcpy(capture->address, request.ifr_hwaddr.sa_data, MAC);
	}
	if (fd >= 0)
		close(fd);
}

/* Without a filter yet. */
static struct capture *open_with(const char *interface, uint32_t index, const struct pace *pace,
				 struct error *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (capture == NULL) {
		error_set(error, EXIT_UNAVAILABLE, "capture on %s: out of memory", interface);
		return NULL;
	}
	capture->index = index;
	if (!activate(capture, interface, pace, error)) {
		capture_close(capture);
		return NULL;
	}
	learn_address(capture, interface);
	return capture;
}

struct capture *capture_open_busy(const char *interface, const struct capture_filter *filter,
				  struct error *error)
{
	struct capture *capture = open_with(interface, 0, &in_batches, error);

	if (capture == NULL || set_filter(capture, filter, error))
		return capture; /* it is narrowed later: capture_narrow() */
	capture_close(capture);
	return NULL;
}

void capture_close(struct capture *capture)
{
	if (capture == NULL)
		return;
	if (capture->pcap != NULL)
		pcap_close(capture->pcap);
	free(capture);
}

static void open_wish(void *context)
{
	struct capture_wish *wish = context;

	wish->capture = open_with(wish->interface, wish->index, &one_by_one, &wish->error);
}

static void open_some(struct capture_wish *wishes, size_t count)
{
	struct task tasks[WISHES];

	for (size_t i = 0; i < count; i++)
		tasks[i] = (struct task){ open_wish, &wishes[i] };
	parallel(tasks, count);
}

/* A filter for a link type; compiling takes a millisecond, and most links are of one type. */
struct compiled {
	struct bpf_program program;
	uint32_t link;
	bool done;
};

static bool compile_for(struct capture *capture, const struct capture_filter *filter,
			struct compiled *last, struct error *error)
{
	if (last->done && last->link == capture->link)
		return true;
	pcap_freecode(&last->program);
	last->link = capture->link;
	last->done = compile(capture, filter, &last->program, error);
	return last->done;
}

static bool filter_and_lock(struct capture *capture, const struct capture_filter *filter,
			    struct compiled *last, struct error *error)
{
	if (!compile_for(capture, filter, last, error))
		return false;
	if (pcap_setfilter(capture->pcap, &last->program) != 0)
		return filter_fails(capture, error);
	lock_filter(capture);
	return true;
}

static void filter_all(struct capture_wish *wishes, size_t count,
		       const struct capture_filter *filter)
{
	struct compiled last = { .done = false };

	for (size_t i = 0; i < count; i++) {
		struct capture_wish *wish = &wishes[i];

		if (wish->capture == NULL ||
		    filter_and_lock(wish->capture, filter, &last, &wish->error))
			continue;
		capture_close(wish->capture);
		wish->capture = NULL;
	}
	pcap_freecode(&last.program);
}

void capture_open_all(struct capture_wish *wishes, size_t count,
		      const struct capture_filter *filter)
{
	for (size_t i = 0; i < count; i += WISHES)
		open_some(wishes + i, count - i < WISHES ? count - i : WISHES);
	filter_all(wishes, count, filter);
}

int capture_fd(const struct capture *capture)
{
	return pcap_get_selectable_fd(capture->pcap);
}

uint32_t capture_link(const struct capture *capture)
{
	return capture->link;
}

static enum direction direction_of(const struct capture *capture, const struct frame *frame)
{
	if (!capture->has_address || frame->captured < 2 * MAC)
		return DIRECTION_UNKNOWN;
	if (memcmp(frame->bytes + MAC, capture->address, MAC) == 0)
		return DIRECTION_OUT;
	if (memcmp(frame->bytes, capture->address, MAC) == 0)
		return DIRECTION_IN;
	return DIRECTION_UNKNOWN;
}

struct taker {
	const struct capture *capture;
	void (*take)(void *context, const struct frame *frame);
	void *context;
};

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	const struct taker *taker = (const struct taker *)(void *)user;
	const struct capture *capture = taker->capture;
	int64_t fraction = (int64_t)header->ts.tv_usec * (capture->nanoseconds ? 1 : 1000);
	struct frame frame = {
		.bytes = bytes,
		.captured = header->caplen,
		.on_wire = header->len < header->caplen ? header->caplen : header->len,
		.time_ns = (int64_t)header->ts.tv_sec * 1000000000 + fraction,
		.link = capture->link,
		.interface = capture->index,
	};

	frame.direction = direction_of(capture, &frame);
	taker->take(taker->context, &frame);
}

int capture_read(struct capture *capture, void (*take)(void *context, const struct frame *frame),
		 void *context, struct error *error)
{
	struct taker taker = { capture, take, context };
	int count = pcap_dispatch(capture->pcap, ROUND, on_packet, (u_char *)&taker);

	if (count >= 0)
		return count;
	error_set(error, EXIT_UNAVAILABLE, "capture: %s", pcap_geterr(capture->pcap));
	return -1;
}

uint64_t capture_dropped(struct capture *capture)
{
	struct pcap_stat stat = { 0 };

	return pcap_stats(capture->pcap, &stat) == 0 ? stat.ps_drop : 0;
}
