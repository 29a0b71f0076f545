#include "lab.h"

#include <stdio.h>
#include <string.h>

/* From edge to isp, from office to edge: what each leads to. */
enum { FIBRE_TO = 2, CABLE_TO = 1 };
enum { EDGE = 1, ISP, CLOUD, BALANCER };

#define HOP_DELAY US(12) /* a pair of veths, and a kernel that forwards */
#define FORWARDER US(40) /* a line in bad weather is a program */
#define OVERTAKEN MS(5)	 /* forwarder.c, where there is no delay */

/* -- the network ------------------------------------------------------------------------ */

static void add_hop(struct scenario *s, const char *four, const char *six, enum icmp_rate rate6)
{
	bool is_six = s->target.family == 6;
	struct trail *trail = &s->trail[0];
	trail->node[++trail->length] = (uint8_t)s->node_count;
	s->node[s->node_count++] = (struct node){ .address = address_parse(is_six ? six : four),
						  .rate = is_six ? rate6 : ICMP_LINUX,
						  .initial_ttl = 64,
						  .delay_ns = HOP_DELAY };
}

static void add_door(struct host *host, uint16_t port, enum service service)
{
	host->door[host->door_count++] =
		(struct door){ .port = port, .state = DOOR_OPEN, .service = service };
}

/* A fork and an exec before the banner, then some milliseconds of arithmetic. */
static void add_vm(struct scenario *s, struct dice *dice)
{
	struct host *vm = &s->host[s->host_count++];
	*vm = (struct host){ .node = s->trail[0].node[s->trail[0].length],
			     .initial_ttl = 64,
			     .syn_ack_ttl = 64,
			     .reset_ttl = 64,
			     .thinks_ns = dice_between(dice, US(300), MS(6)) };
	add_door(vm, SSH_PORT, SERVICE_SSH);
	vm->door[0].pause_ns = dice_between(dice, MS(7), MS(25));
	add_door(vm, 80, SERVICE_HTTP);
	s->filter[s->filter_count++] = (struct filter){ .node = vm->node,
							.match = MATCH_OTHERS,
							.port = { 22, 80 },
							.port_count = 2,
							.act = ACT_DROP };
}

void lab_draw(struct scenario *s, const struct draw_options *options)
{
	bool six = options->family == 6;
	struct dice dice = dice_for(s->seed, 1);
	s->lab = true;
	s->vantage = VANTAGE_CLIENT;
	s->deployment = DEPLOYMENT_ARM;
	s->local = address_parse(six ? "2001:db8:20::10" : "10.20.0.10");
	s->target = address_parse(six ? "2001:db8:99::4" : "20.99.0.4");
	s->client.modes = WORD_MODE_FINE;
	s->client.config = WORD_CONFIG_DIRECT;
	s->client.key = WORD_HOST_KEY_NEW;
	s->client.tos = 0x10; /* Debian's IPQoS */
	add_hop(s, "10.20.0.1", "2001:db8:20::1", ICMP_LINUX6);
	s->edge = s->trail[0].length;
	add_hop(s, "198.51.100.1", "2001:db8:100::1", ICMP_LINUX6);
	add_hop(s, "192.0.2.2", "2001:db8:2::2", ICMP_LINUX6_WIDE);
	s->node[s->node_count - 1].cloud = true;
	s->node[s->node_count - 1].name = "ae25-0.icr02.lab1.ntwk.msn.net";
	add_hop(s, "100.64.0.2", "2001:db8:98::2", ICMP_LINUX6_WIDE);
	s->node[s->node_count - 1].cloud = true;
	s->node[s->node_count - 1].mute = true;
	add_hop(s, "20.99.0.4", "2001:db8:99::4", ICMP_LINUX6_WIDE);
	add_vm(s, &dice);
}

/* -- the weather ------------------------------------------------------------------------ */

static bool read_range(const char *text, struct lab_range *range)
{
	int used = 0;
	if (sscanf(text, "%u..%u%n", &range->least, &range->most, &used) == 2)
		return text[used] == '\0' && range->least <= range->most;
	used = 0;
	if (sscanf(text, "%u%n", &range->least, &used) != 1)
		return false;
	range->most = range->least;
	return text[used] == '\0';
}

/* "edge|isp|cloud" */
static bool read_routers(char *names, unsigned *positions)
{
	static const char *const routers[] = {
		[EDGE] = "edge", [ISP] = "isp", [CLOUD] = "cloud", [BALANCER] = "lb"
	};
	for (char *name; (name = strsep(&names, "|")) != NULL;) {
		unsigned at = BALANCER;
		while (at > 0 && strcmp(routers[at], name) != 0)
			at--;
		if (at == 0)
			return false;
		*positions |= 1u << at;
	}
	return true;
}

static bool read_ways(const char *name, enum lab_ways *ways)
{
	static const char *const names[] = {
		[LAB_BY_FLOW] = "flow", [LAB_BY_PACKET] = "packet", [LAB_UNEVEN] = "uneven"
	};
	for (int w = LAB_BY_FLOW; w <= LAB_UNEVEN; w++)
		if (strcmp(names[w], name) == 0)
			*ways = (enum lab_ways)w;
	return *ways != LAB_ONE_WAY;
}

/* What routers do; false: the word is about something else, or makes no sense. */
static bool read_router_word(const char *word, char *value, struct lab_weather *weather)
{
	if (strcmp(word, "mute") == 0)
		return read_routers(value, &weather->mute);
	if (strcmp(word, "ecmp") == 0)
		return read_ways(value, &weather->ways);
	if (strcmp(word, "icmp") == 0)
		return weather->no_icmp = strcmp(value, "none") == 0;
	if (strcmp(word, "back") == 0)
		return weather->detour = strcmp(value, "detour") == 0;
	return strcmp(word, "nat") == 0; /* answers and quotes come with the ports undone */
}

static bool read_word(char *word, struct lab_weather *weather)
{
	struct lab_range percent;
	char *value = strchr(word, '=');
	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(word, "seed") == 0) /* the forwarder's; the run has its own */
		return true;
	if (strcmp(word, "on") == 0) {
		weather->cable = strcmp(value, "cable") == 0;
		return weather->cable || strcmp(value, "fibre") == 0;
	}
	if (strcmp(word, "delay") == 0)
		return read_range(value, &weather->delay);
	if (strcmp(word, "jitter") == 0)
		return read_range(value, &weather->jitter);
	if (read_router_word(word, value, weather))
		return true;
	if (!read_range(value, &percent) || percent.least != percent.most)
		return false;
	double *share = strcmp(word, "loss") == 0	 ? &weather->loss
			: strcmp(word, "duplicate") == 0 ? &weather->duplicate
			: strcmp(word, "reorder") == 0	 ? &weather->reorder
							 : NULL;
	if (share != NULL)
		*share = percent.least;
	return share != NULL;
}

bool lab_weather_read(const char *words, struct lab_weather *weather)
{
	char text[256], *rest = text;
	*weather = (struct lab_weather){ 0 };
	if (strlen(words) >= sizeof(text))
		return false;
	strcpy(text, words);
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		if (word[0] != '\0' && !read_word(word, weather))
			return false;
	return true;
}

static int64_t draw_range(struct dice *dice, struct lab_range range)
{
	return MS(dice_between(dice, range.least, range.most));
}

/* The cloud's router by its other address; over detour, one hop farther. */
static void add_second_way(struct scenario *s, enum lab_ways ways)
{
	const struct trail *one = &s->trail[0];
	struct trail *two = &s->trail[1];
	bool six = s->target.family == 6;
	uint8_t cloud = one->node[CLOUD], other = (uint8_t)s->node_count++;
	s->ecmp = ways == LAB_BY_PACKET ? ECMP_PACKET : ECMP_FLOW;
	s->node[other] = s->node[cloud];
	s->node[other].account = cloud;
	*two = (struct trail){ .length = ISP, .node = { 0, one->node[EDGE], one->node[ISP] } };
	if (ways == LAB_UNEVEN) {
		uint8_t detour = (uint8_t)s->node_count++;
		s->node[detour] = s->node[one->node[ISP]];
		s->node[detour].address = address_parse(six ? "2001:db8:4::2" : "192.0.2.10");
		s->node[other].address = address_parse(six ? "2001:db8:5::2" : "192.0.2.14");
		two->node[++two->length] = detour;
	} else {
		s->node[other].address = address_parse(six ? "2001:db8:3::2" : "192.0.2.6");
	}
	two->node[++two->length] = other;
	for (unsigned at = CLOUD + 1; at <= one->length; at++)
		two->node[++two->length] = one->node[at];
}

static void change_routers(struct scenario *s, struct dice *dice, const struct lab_weather *weather)
{
	unsigned choices = 0, left;
	for (unsigned at = EDGE; at <= BALANCER; at++)
		choices += weather->mute >> at & 1;
	left = dice_below(dice, choices > 0 ? choices : 1);
	for (unsigned at = EDGE; at <= BALANCER; at++) {
		bool chosen = (weather->mute >> at & 1) && left-- == 0;
		s->node[s->trail[0].node[at]].mute |= chosen || weather->no_icmp;
	}
	if (weather->no_icmp) /* nor is any passed on, from the VM say */
		s->filter[s->filter_count++] = (struct filter){ .node = s->trail[0].node[EDGE],
								.back = true,
								.match = MATCH_ICMP };
	if (weather->detour) {
		s->weather.asymmetric_from = CLOUD;
		s->weather.asymmetry = 1;
	}
	if (weather->ways != LAB_ONE_WAY)
		add_second_way(s, weather->ways);
}

void lab_draw_weather(struct scenario *s, struct dice *dice, const struct lab_weather *weather)
{
	struct weather *w = &s->weather;
	bool bad = weather->loss > 0 || weather->duplicate > 0 || weather->reorder > 0 ||
		   weather->delay.most > 0 || weather->jitter.most > 0;
	change_routers(s, dice, weather);
	w->lossy = weather->cable ? CABLE_TO : FIBRE_TO;
	w->loss_out = w->loss_back = weather->loss / 100;
	w->duplicate = weather->duplicate / 100;
	w->overtake = weather->reorder / 100;
	w->line_ns = draw_range(dice, weather->delay);
	w->jitter_ns = draw_range(dice, weather->jitter);
	w->overtaken_ns = OVERTAKEN;
	if (bad)
		s->node[s->trail[0].node[w->lossy]].delay_ns += FORWARDER;
	for (unsigned l = 0; l < LOSS_CLASSES; l++)
		if (w->loss_out >= loss_steps[l])
			s->loss_class = l;
}
