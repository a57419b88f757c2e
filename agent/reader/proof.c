// SPDX-License-Identifier: Apache-2.0
/* The live proof: the functions of a stripped client were found by what they look like, and a probe
 * on the wrong one would show anything but the beginning of a request. */
#include "reader/proof.h"

#include <string.h>

#include "base/cleanup.h"
#include "reader/report.h"
#include "reader/state.h"

static enum proof proof_starts(const uint8_t *bytes, size_t len, const char *with, size_t n)
{
	if (memcmp(bytes, with, len < n ? len : n) != 0)
		return PROOF_DISPROVED;
	return len < n ? PROOF_UNDECIDED : PROOF_PROVEN;
}

enum proof proof_judge(const uint8_t *bytes, size_t len)
{
#define START(s)                                                                                   \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}
	static const struct {
		const char *text;
		size_t len;
	} starts[] = {
		START("POST "),	   START("GET "),
		START("HEAD "),	   START("PUT "),
		START("DELETE "),  START("CONNECT "),
		START("OPTIONS "), START("TRACE "),
		START("PATCH "),   START("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		START("\x16\x03"),
	};
#undef START
	enum proof best = PROOF_DISPROVED;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		enum proof one = proof_starts(bytes, len, starts[i].text, starts[i].len);

		if (one == PROOF_PROVEN)
			return one;
		if (one == PROOF_UNDECIDED)
			best = one;
	}
	return best;
}

static bool proof_image_told(const struct pipeline *p, uint32_t image)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->proof_told); i++)
		if (p->proof_told[i] == image)
			return true;
	return false;
}

static void proof_report(struct pipeline *p, struct process *process, uint64_t time_ns)
{
	struct event *event = report_begin(p, EVENT_CAPTURE_DISPROVED, time_ns);

	if (!event)
		return;
	report_actor(p, event, &process->actor, process->generation);
	report_client(p, event, process);
	event_set_int(event, "unmapped.image", process->note->judge_image);
	event_set_name(event, "unmapped.expected", PROOF_EXPECTED);
	event_set_name(event, "message",
		       "what the probes on a client show is not what a client sends");
	report_end(p, event, false);
}

void proof_tell(struct pipeline *p, struct process *process, uint64_t time_ns)
{
	const struct process_note *note = process->note;
	enum proof proof = process->proof;

	if (proof == PROOF_UNDECIDED || !note || !note->judge_image || !p->o.judged)
		return;
	process->proof = PROOF_UNDECIDED;
	/* A connection that was open before the probes were there begins, for them, in the middle
	 * of something. It may still speak for the probes, but not against them. */
	if (proof == PROOF_DISPROVED && !process->proof_whole &&
	    process->start_ns <= note->seen_since_ns)
		return;
	if (proof_image_told(p, note->judge_image))
		return;
	p->proof_told[p->n_proof_told++ % ARRAY_SIZE(p->proof_told)] = note->judge_image;
	if (proof == PROOF_DISPROVED)
		proof_report(p, process, time_ns);
	p->o.judged(p->o.ctx, note->judge_image, process->tgid, proof == PROOF_PROVEN);
}

void proof_record(struct pipeline *p, struct process *process, const struct record_tls *r,
		  const uint8_t *bytes)
{
	/* A process that runs something else by now writes with something else. One whose note has
	 * not come yet keeps the verdict on its first connection for it. */
	if (!(r->head.actor.flags & TASK_CLIENT) || process->proof != PROOF_UNDECIDED ||
	    (process->note && !process->note->judge_image))
		return;
	process->proof = proof_judge(bytes, r->len);
	process->proof_whole = r->epoch > 0;
	proof_tell(p, process, r->head.time_ns);
}
