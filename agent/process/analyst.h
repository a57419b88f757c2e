/* SPDX-License-Identifier: Apache-2.0 */
/* The analyst: a process without rights that looks at files for the keeper. A file can be made by
 * an attacker, and the code that takes it apart must not run where the keys are. */
#ifndef PROCESS_ANALYST_H
#define PROCESS_ANALYST_H

#include <stdint.h>

#include "process/recognise.h"

struct channel_analyse {
	uint64_t id;	/* comes back with the answer */
	uint32_t kind;	/* enum recognise_kind */
	uint32_t flags; /* RECOGNISE_* */
};

struct channel_analysed {
	uint64_t id;
	int32_t error; /* 0, or a negative errno */
	uint32_t pad;
	struct recognition recognition;
};

/* Serves requests on sock until the keeper closes it. Returns the exit status of the process. */
int analyst_main(int sock, const char *user);

#endif
