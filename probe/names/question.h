/* question: what the resolver is asked, and what it answers; used by both of its sides. */
#ifndef PROBE_NAMES_QUESTION_H
#define PROBE_NAMES_QUESTION_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "sshwhy/address.h"

#define NAME_LENGTH   256 /* RFC 1035 2.3.4: 255 octets */
#define ADDRESSES_MAX 16

struct name_question {
	uint32_t number;
	struct address address; /* whose name is asked for; family 0: `name`'s addresses are */
	int family;		/* of these: 0 any, 4, 6 */
	char name[NI_MAXHOST];
};

struct name_answer {
	uint32_t number;	     /* of the question */
	int32_t error, system_error; /* 0 or EAI_*; with EAI_SYSTEM an errno */
	uint32_t count;
	struct address address[ADDRESSES_MAX]; /* in getaddrinfo's order, without duplicates */
	char name[NAME_LENGTH];		       /* "": there is none */
	bool confirmed;			       /* the name has the address that was asked about */
};

/* Whether it can be read: it comes from a process that may be in a stranger's hands. An address
 * then has nothing behind its bytes, and a name ends. */
bool name_question_is_sound(struct name_question *question);
bool name_answer_is_sound(struct name_answer *answer);

#endif
