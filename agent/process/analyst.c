// SPDX-License-Identifier: Apache-2.0
/* The analyst: looks at one file after the other, and nothing else. */
#include "process/analyst.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/sandbox.h"

static int answer(int sock, const struct channel_analyse *ask, int fd)
{
	_cleanup_free_ struct channel_analysed *out = calloc(1, sizeof(*out));

	if (!out)
		return -ENOMEM;
	out->id = ask->id;
	out->error = fd < 0 || ask->kind >= RECOGNISE_KIND_MAX
			     ? -EINVAL
			     : recognise(fd, ask->kind, ask->flags, &out->recognition);
	return channel_send(sock, CHANNEL_ANALYSED, out, sizeof(*out), -1, 0);
}

int analyst_main(int sock, const char *user)
{
	_cleanup_free_ uint8_t *body = malloc(CHANNEL_BODY_MAX);
	uint8_t unused[DIGEST_SIZE];

	/* OpenSSL reads its configuration at its first use: in the sandbox that would be the end */
	if (digest_sha256("", 0, unused) < 0)
		return EXIT_FAILURE;
	if (!body || sandbox_enter(SANDBOX_ANALYST, user, NULL) < 0)
		return EXIT_FAILURE;
	for (;;) {
		struct channel_analyse ask;
		enum channel_type type;
		_cleanup_close_ int fd = -1;
		ssize_t n = channel_receive(sock, &type, body, &fd, 0);

		if (n == -ENODATA)
			return EXIT_SUCCESS;
		if (n != (ssize_t)sizeof(ask) || type != CHANNEL_ANALYSE) {
			log_err("a request that is none");
			return EXIT_FAILURE;
		}
		memcpy(&ask, body, sizeof(ask));
		if (answer(sock, &ask, fd) < 0)
			return EXIT_FAILURE;
	}
}
