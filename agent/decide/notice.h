/* SPDX-License-Identifier: Apache-2.0 */
/* What is said on the terminal of a person whose client was refused something, and how often.
 *
 * The first refusal of a kind is told at once. What comes again is counted and told later, each
 * time after twice as long: a client tries a refused connection for minutes. More than a few
 * different ones in a row are counted together: whoever provokes refusals must not own the screen.
 */
#ifndef DECIDE_NOTICE_H
#define DECIDE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTICE_BURST	      4	    /* different things told at once … */
#define NOTICE_EACH_MS	      2000  /* … and one more each time this has passed */
#define NOTICE_AGAIN_MS	      10000 /* the same thing: not sooner, then 20 s, 40 s … */
#define NOTICE_AGAIN_MOST_MS  600000
#define NOTICE_OTHERS_MS      1500 /* what found no place above: counted, told after 1.5 s, 3 s … */
#define NOTICE_OTHERS_MOST_MS 60000
#define NOTICE_TEXT_SIZE      512
#define NOTICES_MAX	      128

/* One refusal. */
struct notice {
	uint64_t whom;	 /* lineage: its refusals share one screen */
	uint64_t number; /* of the event */
	uint64_t block;	 /* the number that the client was told, 0 none: the one to ask by */
	uint32_t pid, root_pid, uid; /* of the event; root_pid 0: not governed */
	char what[160];		     /* "connection to blocked.example (10.77.2.10:443)": masked */
	char why[96];		     /* the rule's id, or the reason's word where there is none */
};

struct notices {
	struct notices_entry {
		struct notice last;
		bool used;
		bool others;   /* the lineage's own entry: what found no place, counted together */
		uint32_t held; /* since it was told last */
		uint32_t again_ms;
		int64_t next_ms; /* not told before */
		int64_t full_ms; /* others: until when the burst is used up */
	} entry[NOTICES_MAX];
	uint64_t told, held;
};

/* Takes a refusal. Returns whether to tell it now; else it is counted. Never fails: with no place
 * left the one that was idle longest makes room. now_ms: a clock that does not jump. */
bool notices_take(struct notices *all, const struct notice *notice, int64_t now_ms);

/* The next counted ones that are due. Returns false when there are none; else *ret_last is the
 * latest of them, *ret_n how many there are, *ret_others whether they are different things. */
bool notices_due(struct notices *all, int64_t now_ms, struct notice *ret_last, uint32_t *ret_n,
		 bool *ret_others);

/* The sentence, in printable ASCII whatever the parts are. n: how many were counted; 0: this one
 * alone. Returns its length. */
size_t notice_text(const struct notice *notice, uint32_t n, bool others,
		   char ret[NOTICE_TEXT_SIZE]);

#endif
