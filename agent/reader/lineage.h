/* SPDX-License-Identifier: Apache-2.0 */
/* Which tool_use of the model caused what a client or a process below it did.
 *
 * The kernel knows the process and its branch below the client; the wire knows the tool_use. They
 * meet in the argv of the command that the client starts, in the name of a skill and in the path of
 * a file. Where they do not, the only tool that could have done it is named as such. Times decide
 * what was open: rings are read one after the other, so the order of arrival does not. */
#ifndef READER_LINEAGE_H
#define READER_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/contract.h"
#include "reader/limits.h"

struct lineage; /* of one root client: the head of a governed tree */

enum lineage_confidence {
	LINEAGE_UNKNOWN, /* no tool_use, or more than one that could have */
	LINEAGE_ONLY,	 /* the only open tool_use that could have */
	LINEAGE_PATH,	 /* its input names the file */
	LINEAGE_NAME,	 /* its input names the skill */
	LINEAGE_ARGV,	 /* its command stands in the argv of the branch */
	LINEAGE_CONFIDENCE_MAX,
};

/* The answer. Strings are unmasked and borrowed until the next call that changes the lineage. */
struct lineage_cause {
	enum lineage_confidence confidence;
	const char *tool_use_id; /* "" with LINEAGE_UNKNOWN */
	const char *tool;
};

struct lineage_process {
	uint32_t tgid;
	uint64_t start_ns;
};

int lineage_new(struct lineage **ret);
void lineage_free(struct lineage *l);

/* The model asked `owner` for a tool. input: the JSON of its arguments; only what can be compared
 * with what a kernel record says is kept of it. Returns 0 or -ENOMEM. */
int lineage_open(struct lineage *l, const struct lineage_process *owner, uint64_t time_ns,
		 const char *id, size_t id_len, const char *tool, size_t tool_len,
		 const char *input, size_t input_len);

/* The client answered it. */
void lineage_close(struct lineage *l, uint64_t time_ns, const char *id, size_t id_len);

/* A process of this lineage ran exec: argv, zero-separated. */
struct lineage_cause lineage_exec(struct lineage *l, const struct record_actor *actor,
				  uint64_t time_ns, const char *argv, size_t len, bool truncated);

/* What caused an effect of this process (a connection). */
struct lineage_cause lineage_effect(struct lineage *l, const struct record_actor *actor,
				    uint64_t time_ns);

/* What caused the opening of a skill's file. */
struct lineage_cause lineage_skill(struct lineage *l, const struct record_actor *actor,
				   uint64_t time_ns, const char *name, const char *path);

const char *lineage_confidence_to_string(enum lineage_confidence confidence);

/* Whether a command as the model wrote it stands in an argv as the client's shell wrapper quoted
 * it. Quotes, backslashes and blanks do not count, nor does the "< /dev/null" that the client puts
 * in. */
bool lineage_argv_holds(const char *argv, size_t argv_len, bool truncated, const char *command,
			size_t command_len);

#endif
