/* rules: which rules would stop or divert a flow; asked by the inventory, told by the machine.
 *
 * Pure: the ruleset comes as the JSON that libnftables prints (libnftables-json(5)),
 * what comes out is plain values. The matcher is conservative: what it cannot evaluate
 * makes a rule one that *may* match, never one that does or does not.
 */
#ifndef PROBE_FIREWALL_RULES_H
#define PROBE_FIREWALL_RULES_H

#include <net/if.h>
#include <sys/types.h>

#include "sshwhy/address.h"
#include "sshwhy/run.h"

/* The connection that a client would make. */
struct flow {
	struct address source, target;
	uint16_t port;
	uint16_t local_first, local_last; /* the local port is one of these */
	char interface[IF_NAMESIZE];	  /* of the route */
	uid_t uid;			  /* whose socket it is */
};

/* Names and text may hold any bytes: whoever may write rules chose them. */
struct finding {
	enum event_word effect; /* of EVENT_RULE */
	bool incoming;		/* stops the answers, not the SYN */
	bool certain;		/* false: some condition could not be evaluated */
	bool policy;		/* the chain's policy, not a rule */
	bool device_unknown;	/* the chain sees one interface, and the JSON does not say which */
	char tool[16];		/* "nft", "iptables" */
	char family[16], table[128], chain[128];
	int64_t handle;	   /* of the rule, 0 for a policy; with iptables the rule's number */
	struct address to; /* WORD_RULE_DIVERTS: where to; family 0: the same or unknown.
			      WORD_RULE_READDRESSES: which source it gets */
	uint16_t to_port;  /* 0: the same or unknown */
	bool other_port;   /* WORD_RULE_READDRESSES: and another port, perhaps */
	char text[256];	   /* the rule as its tool prints it */
};

#define FINDINGS_MAX 8

struct findings {
	struct finding finding[FINDINGS_MAX];
	size_t count;
};

/* Appends what `json` (one "list ruleset" answer) holds against `flow`: certain ones
 * first. False when it is no such JSON; findings beyond FINDINGS_MAX are left out. */
bool rules_find(const char *json, const struct flow *flow, struct findings *out);

/* Looks `finding` up in `listing`, what `nft -a list chain` printed, and keeps its text
 * without counters and handle. The text can tell more than the JSON (iptables' own
 * matches and targets, a chain's device): false when it says that the rule is about other
 * ports or another interface, or leaves the source of the connection as it is. */
bool rule_take_text(struct finding *finding, const char *listing, const struct flow *flow);

/* "table inet filter chain output handle 7: tcp dport 22 drop" */
void rule_describe(const struct finding *finding, char *text, size_t room);

#endif
