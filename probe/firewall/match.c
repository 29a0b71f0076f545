/* The left side of a condition becomes a subject, what is known of our packet; then the
 * right side is held against it. */
#include "firewall/match.h"

#include <string.h>

#include "firewall/ruleset.h"
#include "sshwhy/packet.h"
#include "sshwhy/ssh.h"

/* Linux's numbers (enum ip_conntrack_info as bits, NFPROTO_*, ETH_P_*), which are what
 * libnftables prints when asked for numbers. */
enum {
	STATE_ESTABLISHED = 2,
	STATE_NEW = 8,
	NFPROTO_4 = 2,
	NFPROTO_6 = 10,
	ETHER_4 = 0x0800,
	ETHER_6 = 0x86dd,
};

enum subject_kind {
	SUBJECT_UNKNOWN, /* nothing is known of it */
	SUBJECT_ABSENT,	 /* our packet has no such field: the condition cannot hold */
	SUBJECT_NUMBER,	 /* between low and high */
	SUBJECT_BITS,	 /* low */
	SUBJECT_ADDRESS,
	SUBJECT_NAME,
};

struct subject {
	enum subject_kind kind;
	int64_t low, high;
	struct address address;
	const char *name;
};

static struct subject number_subject(int64_t low, int64_t high)
{
	return (struct subject){ .kind = SUBJECT_NUMBER, .low = low, .high = high };
}

static struct subject bits_subject(int64_t value)
{
	return (struct subject){ .kind = SUBJECT_BITS, .low = value, .high = value };
}

/* -- left ------------------------------------------------------------------------- */

static struct subject meta_subject(const char *key, const struct flow *flow, bool incoming)
{
	bool six = flow->target.family == 6;
	if (text_is(key, "l4proto"))
		return number_subject(IPPROTO_TCP, IPPROTO_TCP);
	if (text_is(key, "nfproto"))
		return six ? number_subject(NFPROTO_6, NFPROTO_6)
			   : number_subject(NFPROTO_4, NFPROTO_4);
	if (text_is(key, "protocol"))
		return six ? number_subject(ETHER_6, ETHER_6) : number_subject(ETHER_4, ETHER_4);
	if (incoming ? text_is(key, "iifname") || text_is(key, "iif")
		     : text_is(key, "oifname") || text_is(key, "oif"))
		return (struct subject){ .kind = SUBJECT_NAME, .name = flow->interface };
	if (text_is(key, "skuid") && !incoming)
		return number_subject(flow->uid, flow->uid);
	return (struct subject){ 0 };
}

static struct subject address_subject(const struct address *address)
{
	return (struct subject){ .kind = address->family != 0 ? SUBJECT_ADDRESS : SUBJECT_UNKNOWN,
				 .address = *address };
}

static struct subject network_subject(const char *field, const struct flow *flow, bool incoming)
{
	if (text_is(field, "saddr"))
		return address_subject(incoming ? &flow->target : &flow->source);
	if (text_is(field, "daddr"))
		return address_subject(incoming ? &flow->source : &flow->target);
	if (text_is(field, "protocol") || text_is(field, "nexthdr"))
		return number_subject(IPPROTO_TCP, IPPROTO_TCP);
	return (struct subject){ 0 };
}

static struct subject transport_subject(const char *field, const struct flow *flow, bool incoming)
{
	if (text_is(field, incoming ? "sport" : "dport"))
		return number_subject(flow->port, flow->port);
	if (text_is(field, incoming ? "dport" : "sport"))
		return number_subject(flow->local_first, flow->local_last);
	if (text_is(field, "flags"))
		return bits_subject(incoming ? TCP_SYN | TCP_ACK : TCP_SYN);
	return (struct subject){ 0 };
}

static struct subject payload_subject(const json_t *payload, const struct flow *flow, bool incoming)
{
	static const char *const others[] = { "udp",  "udplite", "icmp", "icmpv6", "sctp",
					      "dccp", "igmp",	 "esp",	 "ah",	   "comp",
					      "arp",  "gre",	 "vxlan" };
	const char *protocol = json_string_value(json_object_get(payload, "protocol"));
	const char *field = json_string_value(json_object_get(payload, "field"));
	const struct subject absent = { .kind = SUBJECT_ABSENT };
	if (text_is(protocol, "tcp") || text_is(protocol, "th"))
		return transport_subject(field, flow, incoming);
	if (text_is(protocol, "ip") || text_is(protocol, "ip6"))
		return text_is(protocol, "ip") == (flow->target.family == 4)
			       ? network_subject(field, flow, incoming)
			       : absent;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (text_is(protocol, others[i]))
			return absent;
	return (struct subject){ 0 };
}

static struct subject ct_subject(const json_t *ct, bool incoming)
{
	const char *key = json_string_value(json_object_get(ct, "key"));
	if (text_is(key, "state"))
		return bits_subject(incoming ? STATE_ESTABLISHED : STATE_NEW);
	return (struct subject){ 0 };
}

static bool number_of(const json_t *right, int64_t *value);

static struct subject subject_of(const json_t *left, const struct flow *flow, bool incoming)
{
	const json_t *part;
	if ((part = json_object_get(left, "meta")) != NULL)
		return meta_subject(json_string_value(json_object_get(part, "key")), flow,
				    incoming);
	if ((part = json_object_get(left, "payload")) != NULL)
		return payload_subject(part, flow, incoming);
	if ((part = json_object_get(left, "ct")) != NULL)
		return ct_subject(part, incoming);
	if ((part = json_object_get(left, "&")) != NULL) {
		/* nothing nests in nft's own rules, so one level is enough */
		const json_t *inner = json_array_get(part, 0);
		int64_t mask;
		if (json_object_get(inner, "&") != NULL ||
		    !number_of(json_array_get(part, 1), &mask))
			return (struct subject){ 0 };
		struct subject subject = subject_of(inner, flow, incoming);
		return subject.kind == SUBJECT_BITS ? bits_subject(subject.low & mask)
						    : (struct subject){ 0 };
	}
	return (struct subject){ 0 };
}

/* -- right ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int64_t value;
} symbols[] = {
	{ "tcp", IPPROTO_TCP },	  { "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP }, { "icmpv6", IPPROTO_ICMPV6 },
	{ "sctp", 132 },	  { "ipv4", NFPROTO_4 },
	{ "ipv6", NFPROTO_6 },	  { "ip", ETHER_4 },
	{ "ip6", ETHER_6 },	  { "arp", 0x0806 },
	{ "invalid", 1 },	  { "established", STATE_ESTABLISHED },
	{ "related", 4 },	  { "new", STATE_NEW },
	{ "untracked", 64 },	  { "fin", TCP_FIN },
	{ "syn", TCP_SYN },	  { "rst", TCP_RST },
	{ "psh", TCP_PSH },	  { "ack", TCP_ACK },
	{ "urg", TCP_URG },	  { "ecn", 64 },
	{ "cwr", 128 },		  { "ssh", SSH_PORT },
	{ "http", 80 },		  { "https", 443 },
};

/* A number, a name of one, or several that are or'ed. */
static bool number_of(const json_t *right, int64_t *value)
{
	const char *text = json_string_value(right);
	*value = 0;
	if (json_is_integer(right)) {
		*value = json_integer_value(right);
		return true;
	}
	for (size_t i = 0; text != NULL && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*value = symbols[i].value;
		if (strcmp(text, symbols[i].name) == 0)
			return true;
	}
	const json_t *list = json_is_array(right) ? right : json_object_get(right, "|");
	*value = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		int64_t bit;
		if (!(json_is_integer(item) || json_is_string(item)) || !number_of(item, &bit))
			return false;
		*value |= bit;
	}
	return json_array_size(list) > 0;
}

static enum match yes_or_no(bool yes)
{
	return yes ? MATCH_YES : MATCH_NO;
}

static enum match number_within(const struct subject *subject, int64_t low, int64_t high)
{
	if (subject->high < low || subject->low > high)
		return MATCH_NO;
	return subject->low >= low && subject->high <= high ? MATCH_YES : MATCH_MAYBE;
}

static struct address address_of(const json_t *value)
{
	const char *text = json_string_value(value);
	return text != NULL ? address_parse(text) : (struct address){ 0 };
}

static enum match in_prefix(const struct subject *subject, const json_t *prefix)
{
	struct address network = address_of(json_object_get(prefix, "addr"));
	int64_t length = json_integer_value(json_object_get(prefix, "len"));
	if (subject->kind != SUBJECT_ADDRESS || network.family != subject->address.family ||
	    length < 0 || length > 128)
		return MATCH_MAYBE;
	return yes_or_no(address_same_prefix(&subject->address, &network, (unsigned)length));
}

static enum match in_range(const struct subject *subject, const json_t *range)
{
	const json_t *from = json_array_get(range, 0), *to = json_array_get(range, 1);
	if (subject->kind == SUBJECT_ADDRESS) {
		struct address low = address_of(from), high = address_of(to);
		if (low.family != subject->address.family || high.family != low.family)
			return MATCH_MAYBE;
		return yes_or_no(memcmp(subject->address.bytes, low.bytes, 16) >= 0 &&
				 memcmp(subject->address.bytes, high.bytes, 16) <= 0);
	}
	int64_t low, high;
	if (!number_of(from, &low) || !number_of(to, &high))
		return MATCH_MAYBE;
	return number_within(subject, low, high);
}

/* "eth*" stands for every name that begins so. */
static enum match names_match(const char *name, const char *pattern)
{
	size_t length = strlen(pattern);
	if (length > 0 && pattern[length - 1] == '*')
		return yes_or_no(strncmp(name, pattern, length - 1) == 0);
	return yes_or_no(strcmp(name, pattern) == 0);
}

static enum match subject_equals(const struct subject *subject, const json_t *right);

static enum match one_of(const struct subject *subject, const json_t *list)
{
	enum match any = MATCH_NO;
	for (size_t i = 0; i < json_array_size(list) && any != MATCH_YES; i++) {
		const json_t *item = json_array_get(list, i);
		/* { "elem": { "val": ... } } is an element with a timeout or a counter */
		const json_t *element = json_object_get(item, "elem");
		if (element != NULL)
			item = json_object_get(element, "val");
		if (json_object_get(item, "set") != NULL)
			return MATCH_MAYBE; /* sets do not nest */
		any = match_either(any, subject_equals(subject, item));
	}
	return any;
}

static enum match equals_text(const struct subject *subject, const char *text)
{
	if (text[0] == '@') /* a named set: its elements are not listed */
		return MATCH_MAYBE;
	if (text[0] == '*' && text[1] == '\0')
		return MATCH_YES;
	if (subject->kind == SUBJECT_NAME)
		return names_match(subject->name, text);
	if (subject->kind != SUBJECT_ADDRESS)
		return MATCH_MAYBE;
	struct address address = address_parse(text);
	return address.family == 0 ? MATCH_MAYBE
				   : yes_or_no(address_equal(&address, &subject->address));
}

static enum match subject_equals(const struct subject *subject, const json_t *right)
{
	const json_t *part;
	int64_t value;
	if ((part = json_object_get(right, "set")) != NULL)
		return json_is_array(part) ? one_of(subject, part) : subject_equals(subject, part);
	if ((part = json_object_get(right, "prefix")) != NULL)
		return in_prefix(subject, part);
	if ((part = json_object_get(right, "range")) != NULL)
		return in_range(subject, part);
	bool counted = subject->kind == SUBJECT_NUMBER || subject->kind == SUBJECT_BITS;
	if (counted && number_of(right, &value))
		return number_within(subject, value, value);
	if (json_is_string(right))
		return equals_text(subject, json_string_value(right));
	return MATCH_MAYBE;
}

static enum match subject_compares(const struct subject *subject, const char *op,
				   const json_t *right)
{
	int64_t value;
	if (subject->kind != SUBJECT_NUMBER || !number_of(right, &value))
		return MATCH_MAYBE;
	if (text_is(op, "<"))
		return number_within(subject, INT64_MIN, value - 1);
	if (text_is(op, "<="))
		return number_within(subject, INT64_MIN, value);
	if (text_is(op, ">"))
		return number_within(subject, value + 1, INT64_MAX);
	return text_is(op, ">=") ? number_within(subject, value, INT64_MAX) : MATCH_MAYBE;
}

static enum match match_not(enum match match)
{
	return match == MATCH_YES ? MATCH_NO : match == MATCH_NO ? MATCH_YES : MATCH_MAYBE;
}

enum match match_condition(const json_t *condition, const struct flow *flow, bool incoming)
{
	const char *op = json_string_value(json_object_get(condition, "op"));
	const json_t *right = json_object_get(condition, "right");
	struct subject subject = subject_of(json_object_get(condition, "left"), flow, incoming);
	int64_t value;
	if (subject.kind == SUBJECT_ABSENT)
		return MATCH_NO;
	if (subject.kind == SUBJECT_UNKNOWN)
		return MATCH_MAYBE;
	if (subject.kind == SUBJECT_BITS && text_is(op, "in") && number_of(right, &value))
		return yes_or_no((subject.low & value) != 0);
	if (text_is(op, "==") || text_is(op, "in"))
		return subject_equals(&subject, right);
	if (text_is(op, "!="))
		return match_not(subject_equals(&subject, right));
	return subject_compares(&subject, op, right);
}

enum match match_value(const json_t *left, const json_t *right, const struct flow *flow,
		       bool incoming)
{
	struct subject subject = subject_of(left, flow, incoming);
	if (subject.kind == SUBJECT_ABSENT)
		return MATCH_NO;
	return subject.kind == SUBJECT_UNKNOWN ? MATCH_MAYBE : subject_equals(&subject, right);
}
