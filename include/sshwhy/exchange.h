/* exchange: what was sent from one local port to the VM and everything that came back; made by the
 * tracker from packets and events, read by the observation, the plan and the joint captures.
 *
 * The tracker is fed packets and events in any order that time allows and keeps,
 * for each local port, the segments that were sent (with their TTL) and the reply
 * each drew, and for a connection its SSH dialogue. A reply counts only if it is
 * tied to a segment that was seen leaving: a TCP reply acknowledges its sequence
 * number, an ICMP error quotes it, and a connection takes of the server what the client's
 * TCP takes. A reply that ties to no such segment is counted, not believed. Ports alone tell
 * nothing: other machines use the same.
 */
#ifndef SSHWHY_EXCHANGE_H
#define SSHWHY_EXCHANGE_H

#include "sshwhy/run.h"
#include "sshwhy/ssh.h"

enum reply {
	REPLY_NONE,
	REPLY_SYN_ACK,
	REPLY_RESET,
	REPLY_EXCEEDED,	   /* ICMP time exceeded in transit: a router at this TTL */
	REPLY_UNREACHABLE, /* ICMP destination unreachable, any code */
	REPLIES
};

/* Whether it ends a packet's way: the target's own answer, or the word of who refuses in its
 * place. */
static inline bool reply_is_terminal(enum reply reply)
{
	return reply == REPLY_SYN_ACK || reply == REPLY_RESET || reply == REPLY_UNREACHABLE;
}

/* A SYN, or a TTL-limited data segment inside a connection. */
struct sent {
	uint64_t frame;
	int64_t time_ns;
	uint32_t sequence;
	uint32_t acknowledgement; /* data segments only */
	uint16_t ip_id;
	uint16_t mss; /* 0: no such option */
	uint8_t ttl, tos;
	uint8_t wscale; /* 255: no such option */
	bool data;	/* a data segment or a bare ACK, not a SYN */
	bool loopback;	/* seen on the loopback interface, not on the wire */
	bool ecn;	/* a SYN that offers ECN: RFC 3168 6.1.1 */
	bool diverted;	/* it leaves for another address or port than the target's */
	struct address destination;
	uint16_t destination_port;

	enum reply reply; /* the first that came */
	uint64_t reply_frame;
	int64_t reply_ns;
	struct address from;
	uint8_t reply_ttl;
	uint8_t icmp_type, icmp_code;
	struct quoted { /* what the ICMP reply says had arrived where it comes from */
		struct address source, destination;
		uint16_t destination_port;
		uint16_t mss; /* 0: not quoted, or no such option */
		uint8_t tos, ttl;
	} quoted;	      /* source.family 0: no ICMP reply */
	uint64_t reset_frame; /* data segments: the reset for it, be it the first reply or not */
	bool unacceptable;    /* a reset whose acknowledgement no kernel takes for an answer */
};

/* Segments with fewer bytes pass every sound link: RFC 8200 5 asks for packets of 1280 bytes. */
#define LARGE_SEGMENT 1200

#define AGAIN_MAX 16

/* How far a TCP connection came, and who ended it. */
struct connection {
	uint64_t syn_ack_frame;
	uint8_t syn_ack_ttl;
	uint16_t syn_ack_window;
	uint32_t client_first, server_first; /* sequence numbers of the first data bytes */
	bool established;		     /* the client acknowledged the SYN-ACK */
	bool loopback; /* the SYN-ACK or the client was seen on the loopback interface */
	int64_t syn_ack_ns;
	unsigned syn_acks;	/* how often it came */
	unsigned syn_acks_late; /* of those, sent again by the server: half a second
				   later at least (RFC 6298 2) */

	struct stream stream[2]; /* by enum ssh_peer */
	struct ssh_dialog dialog;

	uint64_t client_data_frame; /* the first bytes the client said; 0: none */
	int64_t client_data_ns;
	uint32_t client_data_length; /* of that first segment */
	unsigned client_data_sent;   /* how often its first byte was (re)transmitted */
	uint64_t client_acked_frame; /* the server acknowledged that first byte */
	uint32_t server_claimed;     /* bare acknowledgements say that all before it was sent */
	uint64_t server_claimed_frame;
	uint32_t server_heard; /* highest acknowledgement the client gave */
	uint64_t server_data_frame;
	int64_t server_data_ns;
	uint32_t server_reset_sequence;
	bool server_reset_bare; /* without ACK: there is no such connection (RFC 9293 3.10.7.1) */
	bool server_data_after_end; /* bytes of the server behind "its" RST came after it */

	/* the first FIN or RST with the server's address */
	uint64_t server_fin_frame, server_reset_frame;
	int64_t server_end_ns;
	uint8_t server_end_ttl; /* of that FIN or RST */
	bool server_end_local;	/* it is on this machine's loopback, the connection is not */
	uint64_t client_fin_frame, client_reset_frame;
	int64_t client_end_ns;
	uint8_t client_end_ttl;

	uint32_t client_next, server_next; /* highest sequence number seen, plus its length */
	uint32_t server_acked;		   /* highest acknowledgement the server gave */
	/* What the client's TCP takes from the server (RFC 9293 3.10.7.4, RFC 5961). */
	uint32_t client_sent;	/* SND.NXT: behind all that left, probes and the FIN too */
	uint32_t client_window; /* RCV.WND: the widest that it offered, in bytes */
	uint8_t client_shift;	/* of its window field (RFC 7323 2) */
	/* Somebody else's capture: the reset stands where the client is not known to be, be it
	 * that frames are missing or that it is forged. */
	bool server_reset_doubtful;
	uint32_t server_reset_next; /* server_next when that reset came */
	int64_t last_ns;	    /* when its last packet came, of either side */
	unsigned server_repeated;   /* segments with nothing but what had come long before */
	int64_t progress_ns; /* when a byte last came, or was acknowledged, for the first time */
	bool client_timestamps;
	uint32_t timestamp_value, timestamp_echo; /* of the client's last segment */
	uint64_t encrypted[2];			  /* bytes after NEWKEYS, by enum ssh_peer */
	unsigned flights[2]; /* how often each said something new after the other had */
	bool server_spoke_last;

	/* the client's segment that the server waits for: its first byte is `server_acked` */
	struct awaited {
		uint32_t sequence, length; /* of the last copy */
		unsigned sent;
		int64_t first_ns;
		uint64_t frame; /* of the last copy */
		uint64_t
			selected_frame; /* the server says that later bytes came (RFC 2018); 0 no */
		unsigned behind;	/* segments with later bytes, or the FIN */
		bool repeated;		/* the server says again what it waits for */
	} awaited;
	unsigned acked_segments, repeated; /* of the client's: acknowledged ones, further copies */
	/* Copies of words that the server has acknowledged, when they left: each that arrives is
	 * acknowledged once more (RFC 9293 3.10.7.4). */
	int64_t again_ns[AGAIN_MAX];
	unsigned again_sent;  /* of those kept */
	unsigned acked_again; /* bare acknowledgements that say nothing new: answers to what came
				 behind a gap, or once more (RFC 5681 4.2) */
	uint32_t longest_received; /* segment of the server's, in bytes */
	uint32_t longest_acked;	   /* client segment that the server did acknowledge, in bytes */
};

#define EXCHANGE_SENT_MAX 160

/* What a tracker keeps, in bytes: a live run has some fifty exchanges, and four connections that
 * take most of it. What there is no room for is as good as lost by the capture. */
#define TRACK_MOST ((size_t)8 << 20)
/* Other addresses of this machine. */
#define TRACK_LOCALS 64

struct exchange {
	struct address local, remote;
	uint16_t local_port, remote_port;
	enum way way;
	enum purpose purpose;

	struct sent *sent;   /* in the tracker's arena, which has room for those there are */
	unsigned sent_count; /* EXCHANGE_SENT_MAX at most */
	unsigned unrecorded; /* segments beyond that */

	/* what the kernel said, for WAY_KERNEL */
	bool answered;
	bool talk_ended;   /* the SSH conversation on it: EVENT_SSH */
	bool reaches_auth; /* EVENT_AUTH */
	int connect_error;
	const char *led_to; /* connect() reached this instead of the remote; NULL: it did not */
	int64_t opened_ns, answered_ns;
	int refused; /* errno of the first send that failed locally, by any way */
	unsigned refusals;

	struct connection *connection; /* NULL until a SYN-ACK was seen */
};

/* What answers nothing that was sent: the first four come in the target's name (old ones, or
 * forged), and the last is of others who use the same ports, and what this machine's kernel says to
 * all of them. */
enum stray {
	STRAY_SYN_ACK,
	STRAY_RESET,
	STRAY_SEGMENT, /* of another kind */
	STRAY_ERROR,   /* an ICMP error that quotes what was never sent */
	STRAY_OTHER,
	STRAYS
};

#define STRAY_EXAMPLES 8

struct strays {
	uint64_t count[STRAYS];
	uint64_t held[STRAYS];		  /* of these, the examples */
	uint64_t example[STRAY_EXAMPLES]; /* frames in the target's name */
	unsigned examples;
};

struct track {
	const struct run *run; /* for the target's address and port; borrowed */
	struct arena *arena;   /* where exchanges live */
	struct exchange **exchanges;
	size_t count;
	struct address local[TRACK_LOCALS]; /* EVENT_LOCAL */
	size_t local_count;
	struct budget kept;
	uint64_t packets; /* of all kinds */
	struct strays strays;
};

void track_start(struct track *track, const struct run *run, struct arena *arena);
void track_event(struct track *track, const struct event *event);
/* Returns the exchange the packet belongs to, NULL when it is none of ours. */
struct exchange *track_packet(struct track *track, const struct packet *packet);

/* The event that tells of the strays of one kind that are no examples: a run need not hold them. */
struct event stray_event(const struct strays *strays, enum stray kind);

/* The whole run at once: events, then frames. */
void track_run(struct track *track);

struct exchange *track_find(const struct track *track, uint16_t local_port);

/* First exchange with this purpose at or after *index (which is moved behind it). */
const struct exchange *track_next(const struct track *track, enum purpose purpose, size_t *index);

/* The conversation on the kernel's own connection; in somebody else's capture the last attempt.
 * NULL: there is none. */
const struct exchange *track_library(const struct track *track);

/* The one that the verdict is about. Where that comes through, and the person's ssh, which says
 * larger words, does not (yet), then that of ssh. NULL: there is none. */
const struct exchange *track_judged(const struct track *track);

/* The server has answered the key exchange: no larger words follow. False for NULL. */
bool connection_is_keyed(const struct connection *c);

#endif
