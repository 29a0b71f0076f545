/* pace: every number of the plan's own: how often, how many, how far, how long.
 *
 * Read by the files of the plan alone. Times that the observation, the drivers or the tests
 * rely on too stand in sshwhy/patience.h, with the inequalities between them.
 */
#ifndef PLAN_PACE_H
#define PLAN_PACE_H

#include "sshwhy/patience.h"

/* -- the kernel's own connection ----------------------------------------------------- */

#define ANSWER_WAIT  MILLISECONDS(250) /* a healthy VM answers within; after it the sweep begins */
#define TALK_WAIT    MILLISECONDS(700) /* so does its part of the SSH conversation, */
#define TALK_AT_MOST SECONDS(2)	       /* and it is through with that */
#define CONNECTIONS  3		       /* of the kernel's that one target is asked for at most */

/* -- looks ---------------------------------------------------------------------------- */

/* How often the facts are looked at: when packets have come since, and while nothing does. */
#define LOOK_EVERY    MILLISECONDS(50)
#define LOOK_IN_QUIET MILLISECONDS(60)
#define CONFIDENT     0.95 /* a cause of this probability needs no more packets */

/* -- new flows to the SSH port (flows.h) ------------------------------------------------- */

/* `ufw limit` refuses the sixth new flow of an address within 30 s. */
#define FLOWS_MAX      5
#define FLOWS_TIME     SECONDS(30)
#define FLOWS_RESERVED 2 /* for SYNs that are to arrive, until one of them is answered */
#define REFUSAL_SLACK  MILLISECONDS(20) /* a refusal is a little later than the first was */

/* -- crafted segments ------------------------------------------------------------------ */

#define CLIENT_WINDOW 64240 /* of a Linux client's SYN on Ethernet */
#define FULL_TTL_CODE 63    /* in the cookie, for SYNs that are to arrive */

/* -- passes of the sweep --------------------------------------------------------------- */

#define SWEEP_TTL	 24		   /* as far as ways go */
#define TTL_GAP		 MILLISECONDS(3)   /* between TTLs: a sweep ends at the first answer */
#define TTL_GAP_AT_LEAST (TTL_GAP / 2)	   /* where the driver is late */
#define REPLY_GRACE	 MILLISECONDS(300) /* for replies to the last packet sent */
/* How far a control's sweep is behind that of the SSH port in the first pass. In later passes it
 * is CONTROL_BEHIND: so far apart, hardly any link lets the second overtake the first. */
#define FIRST_CONTROL_BEHIND MILLISECONDS(1)
#define BEYOND_KNOWN	     2 /* so many hops behind the last that is known later passes look */

/* -- SSH on other ports ------------------------------------------------------------------ */

#define CANDIDATES    10
#define CANDIDATE_GAP MILLISECONDS(2) /* between the SYNs to two of them */

/* -- inside the conversation ---------------------------------------------------------------- */

#define REPEAT_AFTER MILLISECONDS(150) /* between two copies of the client's words */
#define REPETITIONS  16
#define ECHOES	     5	   /* answered in a row, without a loss: the way is sound */
#define NO_CHANCE    0.001 /* what is seen is an accident so rarely: no more copies are needed */

#define COPY_TO_SYN    MILLISECONDS(1) /* from a copy with a small TTL to the SYN with the same */
#define CUT_PASSES     1	       /* a reset shows where it comes from at once */
#define SILENT_PASSES  2	       /* silence has to be compared ... */
#define UNCLEAR_PASSES 4 /* ... and compared more while routers' ICMP limits leave it open */

#define SMALL_AFTER   MILLISECONDS(1000) /* a server that limits connections does not mind it */
#define SMALL_SEGMENT 536		 /* passes every link: RFC 9293 3.7.1 */

/* -- the heavier tests (--deep) ---------------------------------------------------------------- */

/* A VM gives up a reassembly after 30 s, IPv6 after 60, and says so at most once a second,
 * after a burst of six (Linux): two of these a pair. */
#define FRAGMENT_PAIRS 5
#define FRAGMENT_GAP   MILLISECONDS(1200)
#define PAIR_GAP       MILLISECONDS(40) /* between the two of a pair */
#define FLAGS_TRIES    2		/* of the other heavy tests */
#define FLAGS_GAP      MILLISECONDS(500)

#endif
