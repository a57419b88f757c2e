// SPDX-License-Identifier: Apache-2.0
/* Are the probes in the right places? The reader says what the first connection of a client looked
 * like; what was proven is kept, so that the next start of the agent need not search again. */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/log.h"
#include "tls/cache.h"

#define PROOF_REFUTED                                                                              \
	"its first connection did not begin as a client's does: the probes on it were taken away"

static const char *build_id_text(const struct keeper_image *i, char to[2 * TLS_BUILD_ID_MAX + 1])
{
	to[0] = 0;
	if (i->layout)
		digest_hex(i->layout->build_id, i->layout->build_id_len, to);
	return to;
}

/* The directory must be the keeper's alone: whoever writes there says where probes go. */
void keeper_cache_open(struct keeper *k)
{
	_cleanup_close_ int fd = -1;
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/tls", k->options.state_directory);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		log_err_r(-errno, "cannot make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0) {
		log_err_r(-errno, "no TLS layouts are kept: cannot open %s", path);
		return;
	}
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		log_err_r(-EPERM, "no TLS layouts are kept: others may write to %s", path);
		return;
	}
	k->cache_fd = TAKE_FD(fd);
}

struct tls_layout *keeper_cache_find(struct keeper *k, int fd)
{
	_cleanup_free_ struct tls_layout *layout = malloc(sizeof(*layout));

	if (!layout || k->cache_fd < 0 || tls_cache_load(k->cache_fd, fd, layout) < 0)
		return NULL;
	return TAKE_PTR(layout);
}

void keeper_proof_begin(struct keeper *k, struct keeper_image *i, int fd, bool known)
{
	char id[2 * TLS_BUILD_ID_MAX + 1];

	if (!i->attached || i->proof != KEEPER_PROOF_NONE ||
	    i->layout->method != TLS_METHOD_REASONS)
		return;
	/* What is kept was proven, and its code is the same byte for byte: where the functions are
	 * is a matter of the code, not of the file that holds it. */
	if (known) {
		i->proof = KEEPER_PROOF_GIVEN;
		log_info("image %u is probed where an earlier proof has it (build-id %s): it was "
			 "not searched",
			 i->id, build_id_text(i, id));
		return;
	}
	i->proof = KEEPER_PROOF_OPEN;
	i->digested = tls_cache_digest(fd, i->layout, i->text) == 0;
	log_info("image %u was searched and probed (build-id %s): to be proven by its first "
		 "connection",
		 i->id, build_id_text(i, id));
}

static void prove(struct keeper *k, struct keeper_image *i)
{
	char id[2 * TLS_BUILD_ID_MAX + 1];
	int r;

	i->proof = KEEPER_PROOF_GIVEN;
	log_info("image %u is proven (build-id %s)", i->id, build_id_text(i, id));
	if (k->cache_fd < 0 || !i->digested)
		return;
	r = tls_cache_store(k->cache_fd, i->layout, i->text);
	if (r < 0 && r != -ENOTSUP)
		log_err_r(r, "a TLS layout cannot be kept");
}

/* First the right, then the probes: there is no moment in which it counts as inspected without. */
static void disprove(struct keeper *k, struct keeper_image *i, pid_t pid)
{
	i->proof = KEEPER_PROOF_DISPROVED;
	i->attached = false;
	snprintf(i->why, sizeof(i->why), "%s", PROOF_REFUTED);
	keeper_image_tell(k, i);
	kernel_detach_tls(k->kernel, i->id);
	log_err("image %u is kept from the model API: pid %d: %s", i->id, pid, i->why);
	keeper_event_client_refused(k, pid, i);
}

void keeper_judged(struct keeper *k, const struct channel_judged *j)
{
	struct keeper_image *i = k->images;

	while (i && i->id != j->image)
		i = i->next;
	/* the reader is not believed: only what awaits it is judged, and once */
	if (!i || i->class_ != IMAGE_CLIENT || !i->attached || i->proof != KEEPER_PROOF_OPEN)
		return;
	if (j->proven == 1)
		prove(k, i);
	else
		disprove(k, i, (pid_t)j->tgid);
}

const char *keeper_proof_to_string(enum keeper_proof proof)
{
	static const char *const names[] = {
		[KEEPER_PROOF_NONE] = "none",
		[KEEPER_PROOF_OPEN] = "open",
		[KEEPER_PROOF_GIVEN] = "proven",
		[KEEPER_PROOF_DISPROVED] = "disproved",
	};

	static_assert(ARRAY_SIZE(names) == KEEPER_PROOF_MAX, "one name a proof");
	return (unsigned int)proof < KEEPER_PROOF_MAX ? names[proof] : "?";
}
