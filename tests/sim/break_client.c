/* What is wrong on this machine, and what only looks so on a healthy one. */
#include "breaks.h"

#include <errno.h>
#include <string.h>

/* -- healthy ---------------------------------------------------------------------------- */

void nothing(struct scenario *s, struct dice *dice, int how)
{
	(void)s, (void)dice, (void)how;
}

void shy(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	serve(s, SERVICE_SSH_SHY, 0);
}

void slow_banner(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	serve(s, SERVICE_SSH, dice_between(dice, MS(100), MS(2500)));
}

/* What the guide asks for, ssh does not. */
void wide_modes(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.modes = WORD_MODE_DIFFERS;
}

/* The user's ssh knows the key and would go through a proxy: beside the way that is probed. */
void known_and_proxied(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.key = WORD_HOST_KEY_SAME;
	s->client.config = WORD_CONFIG_PROXIED;
}

/* -- client ----------------------------------------------------------------------------- */

void local_drop(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = (enum local_out)how;
	s->client.rule = RULE_FOUND_OUT;
}

/* iptables' old tables: that there are some is all that is known of them. */
void local_drop_legacy(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.out = OUT_DROP;
	s->client.rules_hidden = "legacy iptables has rules too (table filter)";
}

void local_reset(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.out = OUT_RESET;
	s->client.rule = RULE_FOUND_OUT;
}

void local_reject(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = OUT_REJECT;
	s->client.reject_error = how;
	s->client.rule = RULE_FOUND_OUT;
}

void local_in(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.drops_answers = true;
	s->client.resets_answers = how != 0;
	s->client.rule = RULE_FOUND_IN;
}

void local_proxy(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = (enum local_out)how;
	if (how != OUT_PROXY_HIDDEN) /* that one is no rule: a hook in connect() */
		s->client.rule = RULE_FOUND_DIVERTS;
}

/* The way that is probed is well; ssh takes another. */
void own_proxy(struct scenario *s, struct dice *dice, int how)
{
	(void)how;
	s->client.config =
		dice_chance(dice, 0.65) ? WORD_CONFIG_PROXY_FAILS : WORD_CONFIG_PROXY_SILENT;
}

/* Software beside the firewall: no rule tells of it. */
void interfere(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.out = (enum local_out)how;
}

/* nftables' own hooks there, which the host's firewall does not know. */
void drop_below(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.out = OUT_LATE_DROP;
	s->client.rule = RULE_FOUND_BELOW_OUT;
}

void drop_answers_below(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.drops_answers = true;
	s->client.rule = RULE_FOUND_BELOW_IN;
}

void swallow_answers(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.drops_answers = true;
}

void kill_connections(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.kills = true;
}

void bad_modes(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.modes = how == MODES_FATAL ? WORD_MODE_FATAL : WORD_MODE_REFUSED;
}

void keyless(struct scenario *s, struct dice *dice, int how)
{
	(void)dice, (void)how;
	s->client.keyless = true;
}

void key_is(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.key = (enum event_word)how;
}

void no_name(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.name_error = how;
	s->named = true;
}

void no_route(struct scenario *s, struct dice *dice, int how)
{
	(void)dice;
	s->client.route_error = how;
}

/* On the VM's own link there is no gateway. */
void dead_gateway(struct scenario *s, struct dice *dice, int how)
{
	if (s->vantage == VANTAGE_VNET)
		no_route(s, dice, how);
	else
		s->client.gateway_silent = true;
}
