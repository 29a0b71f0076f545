/* judge: what the conversation's table asks and tells; made by the files named below, used by
 * conversation.c alone, whose table says at which stage and in which order.
 *
 * A guard looks and changes nothing. A teller answers the question SSH (or TALK), after its
 * guards held.
 */
#ifndef OBSERVE_JUDGE_H
#define OBSERVE_JUDGE_H

#include "observe/observation.h"

typedef bool guard(const struct observation *o);
typedef void teller(struct observation *o);

/* words.c: what the packets show of the words, and of their end */
guard is_open, server_ended, server_ended_first, begins_like_ssh;
guard client_is_acknowledged, client_is_unacknowledged, identification_unheard;

/* aborted.c: this machine, or somebody before the server's SYN-ACK came, ends it */
guard is_unconnected, takes_no_part, socket_is_destroyed;
guard reset_forestalls, ends_on_loopback, resets_itself;
teller tell_destroyed, tell_forestalled, tell_ended_on_loopback, tell_reset_itself;

/* greeting.c: the server has not identified itself */
guard ended_by_words, reset_is_bare, window_stays_closed, service_is_mute;
guard is_not_ssh, sshd_refuses, lines_go_on, hears_another_protocol, hears_only_lines;
teller tell_gone, tell_hung_up, tell_closed, tell_deaf, tell_held, tell_mute;
teller tell_other, tell_limited, tell_refused_in_words, tell_drip;

/* kex.c: it has */
guard conversation_stalls, key_exchange_stalls, never_comes_further, breaks_protocol;
guard is_unfollowed, algorithms_differ, client_finds_none_in_common;
guard is_refused, has_nothing_to_offer, login_stalls, goes_on_after_reset;
teller tell_cut, tell_swallowed, tell_stalled, tell_unfollowed, tell_algorithms_differ;
teller tell_none_in_common, tell_kex_cut, tell_kex_stalled, tell_endless, tell_broken;
teller tell_auth_refused, tell_no_key, tell_login_stalled, tell_survived, tell_auth;
teller tell_auth_unseen;

/* farewell.c: the server says why it ends */
guard takes_leave;
teller tell_leave;

/* sizes.c: large segments vanish, or all that follows the identification */
guard client_is_unheard, client_segment_vanishes, others_may_vanish;
guard size_may_be_why, server_bytes_vanish, only_large_ones_vanish;
guard small_went_further, size_is_refuted, small_reaches_auth, chance_may_be_why;
teller tell_client_unheard, tell_client_segment, tell_server_segment, tell_server_unheard;
teller tell_small_went_further, tell_small_auth;

/* chance.c */
guard is_lossy;

/* lengths.c: by the lengths of what is said */
guard goes_on_by_lengths, is_cut_by_lengths;
teller tell_goes_on_by_lengths, tell_cut_by_lengths;

#endif
