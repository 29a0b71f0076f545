/* model: a network between one client and one VM, in virtual time.
 *
 *   kernel (client) ── wire: walks each segment to the first node that does something
 *                      with it ── host (VM, or a proxy that answers in its place)
 *
 * A node of the way may answer expired TTLs or not, within an ICMP limit, and hold
 * filters; the last node is the VM. Packets are plain values: no bytes are built but
 * those of SSH. What happens is a queue of events in order of time; nothing else moves
 * the clock, and all chance comes from one seeded generator, so a seed is one run.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "dice.h"
#include "plan/plan.h"
#include "phrases.h"

#define MS(n) ((int64_t)(n) * 1000000)
#define US(n) ((int64_t)(n) * 1000)

/* -- what is drawn (scenario.c) ------------------------------------------------------- */

enum { NODES_MAX = 40, FILTERS_MAX = 16, HOSTS_MAX = 3, DOORS_MAX = 8, PORTS_MAX = 6 };

enum icmp_rate {
	ICMP_UNLIMITED,
	ICMP_LINUX,  /* icmp_ratelimit: one a second and peer, saved up to six */
	ICMP_STRICT, /* two a second, saved up to one */
};

struct node {
	struct address address;
	bool silent; /* never says that a TTL expired */
	enum icmp_rate rate;
	bool short_quotes; /* RFC 792: 8 bytes of what it quotes */
	uint8_t initial_ttl;
	int64_t delay_ns; /* of the line that leads to it, one way */
};

enum filter_match {
	MATCH_PORTS,  /* segments of listed server ports */
	MATCH_OTHERS, /* of all but the listed */
	MATCH_IDENT,  /* those that carry an identification string, port 22 */
	MATCH_LARGE,  /* IP packets of more than `size` bytes */
	MATCH_ICMP,   /* on the way back */
};

enum filter_act { ACT_DROP, ACT_RESET, ACT_RESET_BOTH, ACT_UNREACHABLE, ACT_REDIRECT };

struct filter {
	uint8_t node;
	bool before_ttl; /* acts on what expires here, too */
	bool back;       /* looks at what comes back */
	enum filter_match match;
	uint16_t port[PORTS_MAX];
	unsigned port_count;
	uint16_t size;
	enum filter_act act;
	uint8_t icmp_code;
	bool own_name;      /* the unreachable comes in the target's name */
	int64_t delay_ns;   /* before the unreachable (address resolution) */
	uint8_t initial_ttl; /* of a reset */
	bool passes;        /* on the side: the segment goes on */
	uint8_t host;       /* where ACT_REDIRECT leads */
};

enum service {
	SERVICE_SSH,
	SERVICE_SSH_SHY,     /* identifies itself after the client */
	SERVICE_AUTH,        /* refuses the keys offered */
	SERVICE_KEX,         /* no common algorithm */
	SERVICE_KEX_CUT,     /* resets during key exchange */
	SERVICE_CLOSES,      /* accepts, closes */
	SERVICE_RESETS,
	SERVICE_TEXT,        /* says why, closes */
	SERVICE_MUTE,
	SERVICE_DRIPS,
	SERVICE_STALLS,      /* identifies itself, then nothing */
	SERVICE_IDENT_CLOSES,
	SERVICE_GREETS,      /* another protocol, speaks first */
	SERVICE_HTTP,        /* answers what it does not understand, closes */
	SERVICE_DISLIKES,    /* closes at the first bytes (TLS) */
};

enum door_state { DOOR_CLOSED, DOOR_OPEN, DOOR_SILENT };

struct door {
	uint16_t port; /* 0: all others */
	enum door_state state;
	enum service service;
	int64_t pause_ns; /* before the service's first word or act */
};

struct host {
	uint8_t node;
	uint8_t initial_ttl;
	uint8_t syn_ack_ttl; /* initial TTL of SYN-ACKs, and */
	uint8_t reset_ttl;   /* of resets for closed ports, where they differ */
	bool reset_short;    /* acknowledges SEG.SEQ, not SEG.SEQ + 1 */
	bool forgives;       /* a second SYN with another number opens anew (not Linux) */
	struct door door[DOORS_MAX];
	unsigned door_count;
};

enum local_out {
	OUT_PASS,
	OUT_DROP,      /* OUTPUT: the kernel's vanishes, raw is refused, link passes */
	OUT_RESET,     /* OUTPUT, with tcp reset */
	OUT_PORT,      /* OUTPUT, with port-unreachable */
	OUT_LATE_DROP, /* after OUTPUT, before the wire: all three vanish */
	OUT_FORBIDDEN, /* connect() is refused to the program */
	OUT_PROXY,     /* redirected to a program on this machine */
	OUT_PROXY_DEAD,
	OUT_PROXY_AWAY,   /* redirected to another machine */
	OUT_PROXY_HIDDEN, /* connect() itself is diverted: nothing on any wire */
};

struct client {
	enum local_out out;
	bool drops_answers; /* INPUT drops what comes from the SSH port */
	bool unshielded;    /* the kernel resets what answers crafted SYNs */
	int route_error;    /* errno of the route lookup */
	bool gateway_silent;
	int name_error;
};

enum ecmp { ECMP_NONE, ECMP_FLOW, ECMP_PACKET };

/* A way is the nodes in order; two of them when it is split. */
struct trail {
	uint8_t length;
	uint8_t node[NODES_MAX + 1]; /* [1 .. length] */
};

/* All that may be switched off without changing what is wrong. */
#define CALMS                                       \
	CALM(LOSS_OUT, "loss-out")                  \
	CALM(LOSS_BACK, "loss-back")                \
	CALM(DUPLICATE, "duplicate")                \
	CALM(REORDER, "reorder")                    \
	CALM(DELAY, "delay")                        \
	CALM(ICMP_RATE, "icmp-rate")                \
	CALM(ICMP_FILTER, "icmp-filter")            \
	CALM(SILENT_HOPS, "silent-hops")            \
	CALM(SHORT_QUOTES, "short-quotes")          \
	CALM(ECMP, "ecmp")                          \
	CALM(ASYMMETRY, "asymmetry")                \
	CALM(NAT, "nat")                            \
	CALM(TTL, "ttl")
enum calm {
#define CALM(id, name) CALM_##id,
	CALMS
#undef CALM
	CALM_COUNT
};

struct weather {
	double loss_out, loss_back; /* on the line that leads to `lossy` */
	double duplicate;
	int64_t jitter_ns; /* on that line: reorders what follows within it */
	uint8_t lossy;     /* position on the way */
	uint8_t asymmetric_from, asymmetry; /* answers from there on take so many hops more */
	bool quotes_rewritten; /* NAT at the edge leaves its own port in quotes it forwards */
	uint8_t nat;           /* position of it */
};

struct scenario {
	uint64_t seed;
	enum cause cause;
	const char *variant;     /* what is done, in a few words */
	unsigned allowed;        /* bit per source that the packets cannot exclude */
	enum vantage vantage;
	enum deployment deployment;
	struct address local, target;
	struct client client;
	struct node node[NODES_MAX];
	unsigned node_count;
	struct trail trail[2];
	enum ecmp ecmp;
	uint8_t edge;            /* position of the organisation's last device; 0 none */
	struct filter filter[FILTERS_MAX];
	unsigned filter_count;
	struct host host[HOSTS_MAX]; /* [0]: the VM */
	unsigned host_count;
	struct weather weather;
	unsigned loss_class;     /* index into the loss steps, for the tables */
	uint8_t keeps_fragments; /* position of a device that waits for the rest of one; 0 none */
	bool deep;               /* the heavier tests are wanted */
	bool reference;          /* another SSH host was named */
	double reference_luck;   /* drawn: whether that host is what it is said to be */
};

/* -- what moves ----------------------------------------------------------------------- */

struct segment {
	uint16_t client_port, server_port;
	uint32_t sequence, acknowledgement;
	uint8_t flags, ttl;
	uint16_t ip_id;
	enum message message;
	uint16_t length;
	const uint8_t *payload;
	bool loopback, diverted;
	bool timestamps;
	bool fragment; /* the first of several, and no more come */
	/* an ICMP error: the rest is the segment it is about */
	uint8_t icmp_type, icmp_code;
	struct address from; /* who sent what came back; family 0: the target */
	uint8_t quoted_ttl, ttl_of_icmp;
	bool short_quote;
	uint16_t quoted_port; /* the client's, as the quote has it */
};

enum happening_kind {
	HAPPENS_AT_NODE,   /* a segment from the client reaches what acts on it */
	HAPPENS_AT_HOST,   /* a segment reaches a host's stack */
	HAPPENS_AT_CLIENT, /* a segment is at the client's tap */
	HAPPENS_GIVES_UP,  /* the VM has waited long enough for the rest of a fragment */
	HAPPENS_KERNEL_TIMER,
	HAPPENS_HOST_TIMER,
	HAPPENS_SERVICE,
	HAPPENS_HANDSHAKE,
	HAPPENS_CONNECT_ENDS,
};

struct happening {
	int64_t time_ns;
	uint64_t order;
	enum happening_kind kind;
	uint16_t index;      /* of a connection, a host */
	uint16_t generation; /* of the timer: a later one makes it void */
	uint8_t trail, position;
	int16_t filter; /* at a node; -1: its TTL expires there */
	int error;
	struct segment segment;
};

#define QUEUE_MAX 1024
#define PIECES_MAX 12

struct piece {
	uint32_t sequence;
	uint16_t length;
	enum message message;
	const uint8_t *bytes;
	bool fin;
};

/* One direction of a TCP connection, its sender. */
struct sender {
	uint32_t next; /* sequence number of the next new byte */
	struct piece piece[PIECES_MAX];
	unsigned count, acked; /* pieces; those before `acked` are through */
	unsigned tries;
	uint16_t generation;
};

enum tcp_state { TCP_NONE, TCP_OPENING, TCP_UP, TCP_GONE };

enum talk_stage {
	TALK_NONE,
	TALK_LISTENS,
	TALK_SPOKE,
	TALK_IDENTIFIED,
	TALK_OVER,
};

/* A connection of the client's kernel. */
struct socket_model {
	enum tcp_state state;
	uint16_t remote_port;
	bool small;  /* with segments that pass every link */
	bool divert; /* to a program on this machine, or elsewhere */
	uint32_t first, expected; /* own initial number, next byte of the peer */
	unsigned tries;
	uint16_t generation;
	struct sender sender;
	enum talk_stage talk;
	bool answered;
};

/* The same at a host, one for each client port. */
struct server_model {
	enum tcp_state state;
	uint8_t host;
	uint16_t port;
	uint32_t first, client_first, expected;
	unsigned tries;
	uint16_t generation, service_generation;
	uint16_t ip_id;
	struct sender sender;
	enum service service;
	int64_t pause_ns;
	bool heard, acted, closed;
	unsigned lines;
};

#define CLIENT_PORTS (PLAN_KERNEL_PORTS + PLAN_CRAFTED_PORTS)

struct bucket {
	int64_t tokens_ns, at_ns;
	bool used;
};

struct model {
	const struct scenario *scenario;
	const struct phrases *phrases;
	struct dice dice;
	int64_t now_ns;
	uint16_t first_port;
	struct bucket bucket[NODES_MAX];
	struct socket_model socket[PLAN_KERNEL_PORTS];
	struct server_model server[CLIENT_PORTS];
	struct happening queue[QUEUE_MAX];
	unsigned queue_count;
	uint64_t order;
	uint16_t kernel_ip_id;
	uint64_t overflows; /* happenings that found no room: none, or the model is wrong */

	/* Whoever runs the model is told what the tap sees and what the kernel says. */
	void *context;
	void (*on_packet)(void *context, const struct segment *segment, bool outgoing);
	void (*on_event)(void *context, struct event event);
};

void model_start(struct model *model, const struct scenario *scenario,
		 const struct phrases *phrases, uint64_t seed, uint16_t first_port,
		 int64_t now_ns);
int64_t model_next(const struct model *model); /* INT64_MAX: nothing will happen */
void model_step(struct model *model);          /* one happening */

/* What the driver does. */
void model_connect(struct model *model, const struct action *action);
void model_talk(struct model *model, const struct action *action);
int model_send(struct model *model, const struct action *action); /* errno or 0 */

/* -- between the parts ------------------------------------------------------------------ */

void queue_add(struct model *model, const struct happening *happening);

/* wire.c: a segment leaves the client, or `position` of `trail` towards the client. */
void wire_out(struct model *model, const struct segment *segment);
void wire_back(struct model *model, unsigned trail, unsigned position,
	       const struct segment *segment);
void wire_at_node(struct model *model, const struct happening *happening);
void wire_gives_up(struct model *model, const struct happening *happening);
unsigned wire_trail(struct model *model, uint16_t client_port, uint16_t server_port);

/* host.c */
void host_receive(struct model *model, const struct happening *happening);
void host_timer(struct model *model, const struct happening *happening);
void host_service(struct model *model, const struct happening *happening);
void host_reset(struct model *model, uint16_t client_port);

/* kernel.c: the client's side */
void kernel_receive(struct model *model, const struct segment *segment);
void kernel_timer(struct model *model, const struct happening *happening);
void kernel_handshake(struct model *model, const struct happening *happening);
void kernel_connect_ends(struct model *model, const struct happening *happening);

/* sender.c: what both ends share. */
struct piece *sender_add(struct sender *sender, enum message message, const uint8_t *bytes,
			 uint16_t length, bool fin);
bool sender_acknowledge(struct sender *sender, uint32_t acknowledged);
const struct piece *sender_waiting(const struct sender *sender);

#endif
