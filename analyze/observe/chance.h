/* chance: what loss on the way would show of a conversation; asked by the conversation's files
 * before they take silence for somebody's doing, and when they tell how likely an accident is.
 */
#ifndef OBSERVE_CHANCE_H
#define OBSERVE_CHANCE_H

#include "observe/observation.h"

/* So many copies in vain, on a way that loses next to nothing, are no accident. */
#define COPIES_ENOUGH 4

/* Copies of words that the server had acknowledged before, none of which it acknowledges again:
 * nothing comes through any more, be it large or small. */
unsigned echoes_missed(const struct observation *o);

/* Whether, after so many copies in vain, the client will not be heard: that loss alone took them
 * all is less likely than ACCIDENT; or they have come to the VM, where nothing is lost. */
bool unheard_for_good(const struct observation *o, unsigned copies);

/* Words of the client wait for their acknowledgement, and loss may be why: they have not gone
 * out so often that this way cannot have lost them all. */
bool loss_may_delay_client(const struct observation *o);

/* How long the server's next word, and its very first, may take where packets are lost: by then
 * it has sent so many copies that all being lost is no accident. */
int64_t speech_patience(const struct observation *o);
int64_t mute_patience(const struct observation *o);

/* Notes how likely the fact is an accident: without it the conversation would have gone on to
 * authentication. What must have been lost for that: so many copies of the client's words; all that
 * the server has said since; or the words of whoever's turn it is. */
void unless_copies_lost(const struct observation *o, struct fact *fact, unsigned copies);
void unless_speech_lost(const struct observation *o, struct fact *fact);
void unless_words_lost(const struct observation *o, struct fact *fact);

#endif
