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
#include "phrases.h"
#include "plan/plan.h"
#include "sshwhy/patience.h"
#include "sshwhy/ssh.h"

#define MS(n) MILLISECONDS(n)
#define US(n) ((int64_t)(n)*1000)

/* -- what is drawn (scenario.c) ------------------------------------------------------- */

enum { NODES_MAX = 40, FILTERS_MAX = 16, HOSTS_MAX = 3, DOORS_MAX = 8, PORTS_MAX = 6 };

enum icmp_rate {
	ICMP_UNLIMITED,
	ICMP_LINUX,	  /* icmp_ratelimit: one a second and peer, saved up to six */
	ICMP_LINUX6,	  /* the same for IPv6, where a route for a /33 to /64 leads back: four */
	ICMP_LINUX6_WIDE, /* where a default route does: sixteen */
	ICMP_STRICT,	  /* two a second, saved up to one */
};

struct node {
	struct address address;
	bool silent;	  /* never says that a TTL expired */
	bool mute;	  /* nor anything else by ICMP */
	bool cloud;	  /* the cloud's own */
	const char *name; /* what name servers call it; NULL: nothing */
	bool translates;  /* it stands for the target: what it says of flows is in the target's name
			   */
	enum icmp_rate rate;
	uint8_t account; /* the node whose limit it shares: a router of several addresses; 0 its own
			  */
	bool short_quotes; /* RFC 792: 8 bytes of what it quotes */
	uint8_t initial_ttl;
	int64_t delay_ns; /* of the line that leads to it, one way */
};

enum filter_match {
	MATCH_PORTS,  /* segments of listed server ports */
	MATCH_OTHERS, /* of all but the listed */
	MATCH_IDENT,  /* those that carry an identification string, port 22 */
	MATCH_LARGE,  /* IP packets of more than `size` bytes */
	MATCH_DSCP,   /* segments of listed server ports that are marked */
	MATCH_ECN,    /* SYNs to them that offer ECN */
	MATCH_ICMP,   /* on the way back */
};

/* What a filter lets pass before it acts. It is not patient: a run ends before the 30 s of `ufw
 * limit` do. */
enum filter_limit { LIMIT_NONE, LIMIT_FLOWS, LIMIT_SEGMENTS };

enum filter_act { ACT_DROP, ACT_RESET, ACT_RESET_BOTH, ACT_UNREACHABLE, ACT_REDIRECT };

struct filter {
	uint8_t node;
	bool before_ttl; /* acts on what expires here, too */
	bool back;	 /* looks at what comes back */
	enum filter_match match;
	uint16_t port[PORTS_MAX];
	unsigned port_count;
	uint16_t size;
	enum filter_act act;
	uint8_t icmp_code;
	bool own_name;		 /* the unreachable comes in the target's name */
	bool no_route;		 /* the unreachable is the routing's: Linux counts it twice */
	int64_t delay_ns;	 /* before the unreachable (address resolution), or the reset */
	uint8_t initial_ttl;	 /* of a reset */
	bool passes;		 /* on the side: the segment goes on */
	enum filter_limit limit; /* one filter of a scenario has one, */
	unsigned spared;	 /* and lets so many pass */
	uint8_t host;		 /* where ACT_REDIRECT leads */
};

enum service {
	SERVICE_SSH,
	SERVICE_SSH_SHY, /* identifies itself after the client */
	SERVICE_AUTH,	 /* refuses the keys offered */
	SERVICE_KEX,	 /* no common algorithm */
	SERVICE_KEX_CUT, /* resets during key exchange */
	SERVICE_CLOSES,	 /* accepts, closes */
	SERVICE_RESETS,
	SERVICE_TEXT, /* says why, closes */
	SERVICE_MUTE,
	SERVICE_DRIPS,
	SERVICE_STALLS, /* identifies itself, then nothing */
	SERVICE_IDENT_CLOSES,
	SERVICE_GREETS,	  /* another protocol, speaks first */
	SERVICE_HTTP,	  /* answers what it does not understand, closes */
	SERVICE_DISLIKES, /* closes at the first bytes (TLS) */
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
	bool relays;	     /* what it hears goes to the VM, and the VM's answer back */
	int64_t thinks_ns;   /* between what a service hears and what it answers */
	bool reset_short;    /* acknowledges SEG.SEQ, not SEG.SEQ + 1 */
	bool forgives;	     /* a second SYN with another number opens anew (not Linux) */
	struct door door[DOORS_MAX];
	unsigned door_count;
};

enum local_out {
	OUT_PASS,
	OUT_DROP,      /* OUTPUT: the kernel's vanishes, raw is refused, link passes */
	OUT_RESET,     /* OUTPUT, with tcp reset */
	OUT_REJECT,    /* OUTPUT, with an ICMP error: `reject_error` */
	OUT_LATE_DROP, /* at the interface: all three vanish, link is told so */
	OUT_FORBIDDEN, /* connect() is refused to the program */
	OUT_PROXY,     /* redirected to a program on this machine */
	OUT_PROXY_DEAD,
	OUT_PROXY_AWAY,	  /* redirected to another machine */
	OUT_PROXY_HIDDEN, /* connect() itself is diverted: nothing on any wire */
};

/* The rule that the driver finds. */
enum rule_found {
	RULE_FOUND_NONE,
	RULE_FOUND_OUT,
	RULE_FOUND_IN,
	RULE_FOUND_DIVERTS,
	RULE_FOUND_BELOW_OUT, /* at the interface */
	RULE_FOUND_BELOW_IN
};

struct client {
	enum local_out out;
	int reject_error;
	bool drops_answers;  /* INPUT drops what comes from the SSH port */
	bool resets_answers; /* and tells the sender so */
	bool kills;	     /* a program ends connections to the SSH port as it finds them */
	bool unshielded;     /* the kernel resets what answers crafted SYNs */
	int route_error;     /* errno of the route lookup */
	bool gateway_silent;
	int name_error;
	uint8_t tos; /* how ssh marks its packets */
	bool ecn;    /* the kernel's first SYN offers ECN */
	/* what the driver finds on the machine */
	enum rule_found rule;
	bool rules_unread;
	bool other_rule;	  /* one that explains nothing */
	const char *rules_hidden; /* tables in use that cannot be read */
	enum event_word modes;	  /* of EVENT_MODE */
	enum event_word config;	  /* of EVENT_CONFIG */
	enum event_word key;	  /* of EVENT_HOST_KEY; WORD_NONE: none is judged */
	bool keyless;		  /* nothing to offer to the server, which is asked to let in */
};

enum ecmp { ECMP_NONE, ECMP_FLOW, ECMP_PACKET };

/* A way is the nodes in order; two of them when it is split. */
struct trail {
	uint8_t length;
	uint8_t node[NODES_MAX + 1]; /* [1 .. length] */
};

/* All that may be switched off without changing what is wrong. */
#define CALMS                                                                                      \
	CALM(LOSS_OUT, "loss-out")                                                                 \
	CALM(LOSS_BACK, "loss-back")                                                               \
	CALM(DUPLICATE, "duplicate")                                                               \
	CALM(REORDER, "reorder")                                                                   \
	CALM(DELAY, "delay")                                                                       \
	CALM(ICMP_RATE, "icmp-rate")                                                               \
	CALM(ICMP_FILTER, "icmp-filter")                                                           \
	CALM(SILENT_HOPS, "silent-hops")                                                           \
	CALM(SHORT_QUOTES, "short-quotes")                                                         \
	CALM(ECMP, "ecmp")                                                                         \
	CALM(ASYMMETRY, "asymmetry")                                                               \
	CALM(NAT, "nat")                                                                           \
	CALM(TTL, "ttl")                                                                           \
	CALM(CAPTURE, "capture")                                                                   \
	CALM(STRANGERS, "strangers")
enum calm {
#define CALM(id, name) CALM_##id,
	CALMS
#undef CALM
		CALM_COUNT
};

/* What others send to the client's ports (stranger.c). */
enum strangers {
	STRANGERS_NONE,
	STRANGERS_RESET,
	STRANGERS_FIN,
	STRANGERS_ACK,
	STRANGERS_WORDS,
	STRANGERS_SYN_ACK,
	STRANGERS_ERROR,
	STRANGERS_VISIT,
	STRANGERS
};

struct weather {
	/* on the line that leads to position `lossy` of the way */
	double loss_out, loss_back;
	double duplicate;
	int64_t jitter_ns; /* reorders what follows within it */
	double overtake;   /* share of the packets that the delay spares */
	int64_t line_ns;   /* the delay; without one, the others wait for that long: */
	int64_t overtaken_ns;
	uint8_t lossy;
	double unseen;			    /* share of the packets that the capture drops */
	uint8_t asymmetric_from, asymmetry; /* answers from there on take so many hops more */
	enum strangers strangers;
	int64_t strange_ns;    /* between two packets of theirs */
	bool quotes_rewritten; /* NAT at the edge leaves its own port in quotes it forwards */
	uint8_t nat;	       /* position of it */
};

struct scenario {
	uint64_t seed;
	enum cause cause;
	const char *variant; /* what is done, in a few words */
	unsigned allowed;    /* bit per source that the packets cannot exclude */
	enum vantage vantage;
	enum deployment deployment;
	struct address local, target;
	bool lab;   /* the network of tests/lab, not a random one */
	bool named; /* the target is given by name */
	struct client client;
	struct node node[NODES_MAX];
	unsigned node_count;
	struct trail trail[2];
	enum ecmp ecmp;
	uint8_t edge; /* position of the organisation's last device; 0 none */
	struct filter filter[FILTERS_MAX];
	unsigned filter_count;
	struct host host[HOSTS_MAX]; /* [0]: the VM */
	unsigned host_count;
	struct weather weather;
	unsigned loss_class;	 /* index into the loss steps, for the tables */
	uint8_t keeps_fragments; /* position of a device that waits for the rest of one; 0 none */
	bool deep;		 /* the heavier tests are wanted */
	bool reference;		 /* another SSH host was named */
	double reference_luck;	 /* drawn: whether that host is what it is said to be */
};

/* -- what moves ----------------------------------------------------------------------- */

struct segment {
	uint16_t client_port, server_port;
	uint32_t sequence, acknowledgement;
	uint8_t flags, ttl, tos;
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
	HAPPENS_ANSWER,
	HAPPENS_HANDSHAKE,
	HAPPENS_CONNECT_ENDS,
	HAPPENS_KILL,
};

struct happening {
	int64_t time_ns;
	uint64_t order;
	enum happening_kind kind;
	uint16_t index;	     /* of a connection, a host */
	uint16_t generation; /* of the timer: a later one makes it void */
	uint8_t trail, position;
	int16_t filter; /* at a node; -1: its TTL expires there */
	int error;
	struct segment segment;
};

#define QUEUE_MAX  1024
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
	unsigned tries;	       /* timeouts since something was acknowledged */
	bool probed;	       /* the last piece was sent again, to see what is missing */
	bool told, hurries;    /* later pieces arrived; so the first is sent again at once */
	int64_t round_trip_ns, variance_ns; /* RFC 6298 */
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
	bool small;		  /* with segments that pass every link */
	bool ssh;		  /* the person's ssh talks, not the library */
	bool divert;		  /* to a program on this machine, or elsewhere */
	uint32_t first, expected; /* own initial number, next byte of the peer */
	unsigned tries;
	int64_t opened_ns; /* when the last SYN left */
	uint16_t generation;
	struct sender sender;
	enum talk_stage talk;
	bool answered;
	bool keyed; /* the server's host key came */
};

/* The same at a host, one for each client port. */
struct server_model {
	enum tcp_state state;
	uint8_t host;
	uint16_t port;
	uint32_t first, client_first, expected;
	unsigned tries;
	int64_t opened_ns; /* when the last SYN-ACK left */
	uint16_t generation, service_generation, life;
	uint16_t ip_id;
	struct sender sender;
	enum service service;
	int64_t pause_ns;
	bool heard, acted, closed;
	enum message unread[PIECES_MAX]; /* by the service, in order */
	unsigned unread_count;
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
	unsigned spared;	     /* so many has the filter with a limit */
	bool admitted[CLIENT_PORTS]; /* and the flows of these ports */
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
		 const struct phrases *phrases, uint64_t seed, uint16_t first_port, int64_t now_ns);
int64_t model_next(const struct model *model); /* INT64_MAX: nothing will happen */
void model_step(struct model *model);	       /* one happening */

/* What the driver does. */
void model_connect(struct model *model, const struct action *action);
void model_talk(struct model *model, const struct action *action);
int model_send(struct model *model, const struct action *action); /* errno or 0 */

/* ICMP's numbers for the family of the run (RFC 792, RFC 4443). */
static inline uint8_t model_unreachable(const struct model *model)
{
	return model->scenario->target.family == 6 ? 1 : 3;
}

static inline uint8_t model_expired(const struct model *model)
{
	return model->scenario->target.family == 6 ? 3 : 11;
}

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
void host_answer(struct model *model, const struct happening *happening);
void host_reset(struct model *model, uint16_t client_port);

/* kernel.c: the client's side */
void kernel_receive(struct model *model, const struct segment *segment);
void kernel_timer(struct model *model, const struct happening *happening);
void kernel_connect_ends(struct model *model, const struct happening *happening);
void kernel_kill(struct model *model, const struct happening *happening);

uint16_t kernel_port_of(const struct model *model, const struct socket_model *socket);
struct socket_model *kernel_socket(struct model *model, uint16_t client_port); /* NULL: crafted */
void kernel_tell(struct model *model, struct event event);
void kernel_send(struct model *model, struct socket_model *socket, uint8_t flags,
		 const struct piece *piece);
void kernel_say(struct model *model, struct socket_model *socket, enum message message);

/* talk.c: the SSH client on top */
void talk_begin(struct model *model, const struct happening *happening);
void talk_hear(struct model *model, struct socket_model *socket, enum message message);
void talk_ends(struct model *model, struct socket_model *socket, enum event_word end);
void talk_fails(struct model *model, struct socket_model *socket, enum event_word end, int error);

/* sender.c: what both ends share. */
struct piece *sender_add(struct sender *sender, enum message message, const uint8_t *bytes,
			 uint16_t length, bool fin);
bool sender_acknowledge(struct sender *sender, uint32_t acknowledged);
const struct piece *sender_waiting(const struct sender *sender);
void sender_start(struct sender *sender, uint32_t next, int64_t round_trip_ns);
/* An acknowledgement of nothing new: something behind a gap has arrived. True: look at the
 * timer again. */
bool sender_gap(struct sender *sender);
/* How long until the timer of what waits is due; what is then to be sent again, if anything. */
int64_t sender_timeout(const struct sender *sender);
const struct piece *sender_again(struct sender *sender);

#endif
