/* asked: the functions that answer questions, one or a few each; made by the question files,
 * called by the conductor (observe.c) alone, in its order, and by unit tests.
 */
#ifndef OBSERVE_ASKED_H
#define OBSERVE_ASKED_H

#include "observe/observation.h"

/* machine.c, found.c: on this machine */
void observe_name(struct observation *o);
void observe_route(struct observation *o);
void observe_out(struct observation *o);
void observe_in(struct observation *o);
void observe_rules(struct observation *o); /* rule: explains out and in */
void observe_files(struct observation *o); /* permissions, config */

/* syn.c, who.c, where.c, ports.c: the way to the VM */
void observe_syn(struct observation *o);
void observe_who(struct observation *o); /* who, return, any */
void observe_where(struct observation *o);
void observe_control(struct observation *o);
void observe_elsewhere(struct observation *o); /* elsewhere, instead */

/* conversation.c, cutter.c, key.c: the conversation */
void observe_ssh(struct observation *o); /* ssh, talk */
void observe_cutter(struct observation *o);
void observe_key(struct observation *o);

/* passive.c: what only somebody else's capture asks */
void observe_capture_place(struct observation *o); /* place */
void observe_diverted_here(struct observation *o); /* out */
void observe_back(struct observation *o);
void observe_arrived(struct observation *o);
void observe_far(struct observation *o);
void observe_answerer_passively(struct observation *o); /* who */

/* reference.c, deep.c, quote.c: what was asked besides */
void observe_reference(struct observation *o);
void observe_deep(struct observation *o); /* fragment, ack, plain */
void observe_quotes(struct observation *o);

#endif
