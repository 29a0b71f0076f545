/* word: the answer that an event's word is (EVENT_HOST_KEY, EVENT_PLACE); asked by key.c and
 * passive.c. */
#ifndef OBSERVE_WORD_H
#define OBSERVE_WORD_H

#include "sshwhy/fact.h"

/* ANSWER_NONE of WORD_NONE, and of words that are no answers by themselves. */
enum answer word_answer(enum event_word word);

#endif
