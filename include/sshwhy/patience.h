/* patience: how long each part of the program waits, where another part relies on it.
 *
 * Made by hand; used by the plan (which sends and waits), the observation (which judges
 * silence), the drivers (the real one and the simulator's) and the tests. A verdict of silence
 * is right only if whoever waits does so for longer than whoever judges asks for. Each such
 * pair stands together here with the inequality between them. Numbers that only one file needs
 * stand in that file; those of the plan alone in probe/plan/pace.h.
 *
 * All times are nanoseconds, as the packets' times are (frame.h).
 */
#ifndef SSHWHY_PATIENCE_H
#define SSHWHY_PATIENCE_H

#include <assert.h>
#include <stdint.h>

#define MILLISECONDS(n) ((int64_t)(n)*1000000)
#define SECONDS(n)	((int64_t)(n)*1000000000)

/* -- the whole run -------------------------------------------------------------------- */

/* What --timeout is where nobody says otherwise; --deep waits for reassembly to be given up. */
#define RUN_DEADLINE	  SECONDS(10)
#define RUN_DEADLINE_DEEP SECONDS(90)

/* What users are promised (tests/lab/diagnose): a verdict this soon when SYNs meet silence,
 * and this soon in any case, where nothing is lost. */
#define VERDICT_OF_SILENCE SECONDS(3)
#define VERDICT_AT_LATEST  SECONDS(5)

/* -- on this machine ------------------------------------------------------------------ */

/* What this machine's own kernel does, it does within: its SYN is on the wire, its answer to
 * a SYN-ACK too. The plan does not decide about this machine before it has waited longer. */
#define LOCAL_PATIENCE MILLISECONDS(300)
#define LOCAL_WAIT     MILLISECONDS(1500)
static_assert(LOCAL_WAIT > LOCAL_PATIENCE, "the plan waits until this machine can be judged");

/* The next hop's link-layer address: the driver asks for so long (Linux: three questions, a
 * second apart), the plan for longer before it sends without. */
#define NEIGHBOUR_PATIENCE MILLISECONDS(2500)
#define NEIGHBOUR_WAIT	   MILLISECONDS(2600)
static_assert(NEIGHBOUR_WAIT > NEIGHBOUR_PATIENCE, "the driver's word comes before the plan's end");

/* -- silence -------------------------------------------------------------------------- */

/* A packet that has drawn nothing for so long draws nothing. */
#define ANSWER_PATIENCE MILLISECONDS(600)

/* A port is silent after this many SYNs, over this long, each with time for an answer. */
#define SILENCE_SYNS 3
#define SILENCE_SPAN MILLISECONDS(1500)

/* The plan sweeps so often and so far apart (a Linux router answers one expired packet a
 * second, in bursts of six), and waits so long after its last packet. */
#define SWEEP_PASSES 3
#define PASS_GAP     MILLISECONDS(900)
#define LAST_GRACE   MILLISECONDS(620)
static_assert(SWEEP_PASSES >= SILENCE_SYNS, "each pass sends a SYN that is to arrive");
static_assert((SWEEP_PASSES - 1) * PASS_GAP >= SILENCE_SPAN, "the passes last long enough");
static_assert(LAST_GRACE > ANSWER_PATIENCE, "the last SYN's silence counts before the end");
static_assert((SWEEP_PASSES - 1) * PASS_GAP + LAST_GRACE < VERDICT_OF_SILENCE,
	      "silence is told as soon as promised");

/* A router's silence to one probe counts beside its answer to another that was sent so soon
 * after: it met no more of the router's ICMP limit. The plan sends a control's sweep so far
 * behind that of the SSH port, the second comparison of a pass so much later. */
#define COMPARED_WITHIN MILLISECONDS(150)
#define CONTROL_BEHIND	MILLISECONDS(60)
#define COMPARED_AGAIN	MILLISECONDS(30)
static_assert(CONTROL_BEHIND + COMPARED_AGAIN < COMPARED_WITHIN, "compared probes leave together");

/* A router that asks for the next hop's address in vain holds a SYN back for so long at least;
 * one that knows no route says so at once (RFC 4861 7.2.2; Linux does the same with ARP). */
#define GIVING_UP MILLISECONDS(800)

/* -- the conversation ------------------------------------------------------------------ */

/* Linux' least retransmission timeout (TCP_RTO_MIN; RFC 6298 2.4 would have a second). */
#define LEAST_TIMEOUT MILLISECONDS(200)

/* A probe says nothing for so long, until the server has identified itself. */
#define LISTEN_FIRST MILLISECONDS(400)

/* The client's words that are not acknowledged for so long are not heard. The plan repeats
 * them before, so that by then several copies have gone out. */
#define HEARING_PATIENCE MILLISECONDS(900)
#define REPEAT_WORDS	 MILLISECONDS(800)
static_assert(REPEAT_WORDS < HEARING_PATIENCE, "copies leave before the first is given up");

/* A server that has said nothing for so long, after its first word, says nothing more. Longer
 * before its first: it may look its client up, or be short of everything. */
#define SPEECH_PATIENCE MILLISECONDS(2800)
#define MUTE_PATIENCE	MILLISECONDS(4200)
static_assert(SPEECH_PATIENCE > 2 * LISTEN_FIRST, "the client has spoken long before");
static_assert(MUTE_PATIENCE > SPEECH_PATIENCE, "the first word is the slowest");
static_assert(MUTE_PATIENCE + LAST_GRACE < VERDICT_AT_LATEST,
	      "a mute server is told of as soon as promised");

/* A server that says so many bytes, and comes no further by them, never will: no step takes more
 * than a few packets, each of 35000 bytes at most (RFC 4253 6.1). The handshake ends then. */
#define SPEECH_BYTES (256 * 1024)

/* A conversation that has stood still for so long is tried again with small segments: before
 * it is judged. The second is judged after a time of its own, which the plan waits for. Where
 * packets are lost both take so many times as long. */
#define STANDSTILL     MILLISECONDS(2000)
#define SMALL_PATIENCE MILLISECONDS(1200)
#define SMALL_WAIT     MILLISECONDS(1300)
#define LOSSY_TIMES    3
static_assert(STANDSTILL < SPEECH_PATIENCE, "the second conversation begins before the verdict");
static_assert(SMALL_WAIT > SMALL_PATIENCE, "the second conversation is judged before the end");

/* -- other people's captures ------------------------------------------------------------ */

/* A conversation in a capture is judged as of so long after its last packet, at most: whoever takes
 * silence for an answer there asks for less. That is, of a server's next word where packets are
 * lost, and of a client's. */
#define CAPTURE_PATIENCE SECONDS(10)
#define SPEECH_AT_MOST	 (3 * SPEECH_PATIENCE)
#define FAR_PATIENCE	 SECONDS(5)
static_assert(CAPTURE_PATIENCE > SPEECH_AT_MOST, "a server's silence in a capture is judged");
static_assert(CAPTURE_PATIENCE > MUTE_PATIENCE, "a mute server in a capture is judged");
static_assert(CAPTURE_PATIENCE > FAR_PATIENCE, "a client's silence in a capture is judged");

/* -- other ports, the reference --------------------------------------------------------- */

/* A server on another port says at once who it is: it is heard for so long. An open port is
 * connected to and heard within so long, the plan's waiting for loss included. */
#define HEARD_OUT	MILLISECONDS(700)
#define LISTEN_WAIT	MILLISECONDS(800)
#define VERIFIED_WITHIN MILLISECONDS(2500)
static_assert(LISTEN_WAIT > HEARD_OUT, "who listens is heard out before the end");
static_assert(LOSSY_TIMES * LISTEN_WAIT < VERIFIED_WITHIN,
	      "an open port is heard before it is left");

/* The reference host's identification is waited for; the plan waits for its SYNs' silence or
 * for that, and no longer than briefly when nothing depends on it any more. */
#define BANNER_PATIENCE	       MILLISECONDS(2000)
#define REFERENCE_WAIT	       MILLISECONDS(3500)
#define REFERENCE_WAIT_DECIDED MILLISECONDS(250)
static_assert(REFERENCE_WAIT > BANNER_PATIENCE + ANSWER_PATIENCE, "the reference is heard before");

/* -- ProxyCommand ------------------------------------------------------------------------ */

/* A command that gives up does so after 4 s, say; as patient as with a mute server. */
#define PROXY_PATIENCE MILLISECONDS(4200)
static_assert(PROXY_PATIENCE < VERDICT_AT_LATEST, "a mute proxy is told of as soon as promised");

/* -- fragments (--deep) ------------------------------------------------------------------ */

/* How long a lone first fragment is waited for: 30 s by Linux (ipfrag_time), which is what
 * most VMs run, and 60 s by RFC 8200 4.5. Linux' timers of that length come up to 2 s late
 * (4 s the longer ones), and the error needs some time, too. */
#define REASSEMBLY4 MILLISECONDS(33000)
#define REASSEMBLY6 MILLISECONDS(65000)
static_assert(REASSEMBLY6 > REASSEMBLY4 && REASSEMBLY6 + VERDICT_AT_LATEST < RUN_DEADLINE_DEEP,
	      "a reassembly is given up before the run is");

#endif
