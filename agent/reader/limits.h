/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound of the reader's tables, in one place: what it watches must not decide how much memory
 * it takes. */
#ifndef READER_LIMITS_H
#define READER_LIMITS_H

#define READER_SECOND_NS 1000000000ULL

#define READER_PROCESSES_MAX   512  /* clients, and governed programs that speak TLS */
#define READER_CONNECTIONS_MAX 1024 /* of all processes */
#define READER_BUCKETS	       1024 /* of either hash table; a power of two */

#define READER_TOOLS_MAX  64  /* tool_uses kept for one client, open and just answered */
#define READER_SPAWNS_MAX 256 /* processes of one client that belong to a tool_use */
#define READER_SKILLS_MAX 128 /* skill files of one client whose verdict is remembered */
#define READER_PROOFS	  64  /* images whose judgement is remembered */
#define READER_LEARNED_MAX                                                                         \
	256 /* names and addresses of one client that its connections are told by */
#define READER_CLAIMS_MAX 16 /* claims of one client that were told as a mismatch */

#define READER_ID_SIZE	    128	 /* an id off the wire that is kept: tool_use, device, session */
#define READER_COMMAND_SIZE 4096 /* of a tool's command that is compared with argv */
#define READER_REQUESTS_MAX 8	 /* requests of one connection that wait for their response */

#define READER_FOUND_MAX    16 /* findings of one connection that wait for their bytes */
#define READER_FOUND_TOOLS  8  /* latest tool_uses of one connection */
#define READER_FOUND_CHUNKS 8  /* latest chunks of one direction, by their time */

#define READER_NAMES	     512 /* masked names kept ready; a power of two */
#define READER_NAME_SIZE     192 /* longer ones are masked each time */
#define READER_DIGESTS_MAX   8	 /* keyed digests named in one finding */
#define READER_DETECTORS_MAX 64	 /* detectors told for one text; the rest in one line */

/* An ended process is kept this long: its denials travel on another ring and may come later. */
#define READER_LINGER_NS (10 * READER_SECOND_NS)
/* A connection silent for so long gives its parser back. The client itself gives up after 300 s of
 * silence, so nothing is cut in two by this. */
#define READER_IDLE_NS (600 * READER_SECOND_NS)
/* Losses of one connection, and malformed records, are told at most this often. */
#define READER_LOSS_EVERY_NS READER_SECOND_NS
/* A client whose note came and of whom no record said who it is gets its start event without. */
#define READER_START_WAIT_NS (2 * READER_SECOND_NS)

/* A finding waits for its bytes so long at most. One that the person is told of waits until the
 * next tick: within two seconds they must know. */
#define READER_FOUND_WAIT_NS   READER_SECOND_NS
#define READER_FOUND_URGENT_NS (READER_SECOND_NS / 10)

/* RFC 8259 readers and RFC 8785 agree on whole numbers up to here. */
#define READER_WHOLE_MAX ((1ULL << 53) - 1)

#endif
