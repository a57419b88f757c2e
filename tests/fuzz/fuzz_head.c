// SPDX-License-Identifier: Apache-2.0
/* The head of a request as the kernel program reads it, against a second reading, line by line and
 * with the C library: what the first takes for whole must say the same in both. The first may
 * refuse more, and must never confirm a host that the second does not see. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bpf/head.h"

/* The value of the one line that begins with name, NULL when there is none; more than one: *ret_n.
 */
static const char *field(const char *head, const char *name, size_t *ret_n)
{
	const char *found = NULL;

	*ret_n = 0;
	for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, strlen(name)) != 0)
			continue;
		found = line + strlen(name);
		++*ret_n;
	}
	return found;
}

/* A host without blanks and port, lower case. */
static size_t plain_host(const char *from, char stop, char ret[NAME_SIZE])
{
	size_t n = 0;

	for (; *from && *from != '\n' && *from != ':' && *from != stop; from++) {
		if (*from == ' ' || *from == '\t' || *from == '\r')
			continue;
		if (n == NAME_SIZE - 1)
			abort();
		ret[n++] = head_lower(*from);
	}
	return n;
}

static void check(const struct head *h, const char *head)
{
	size_t n_hosts, n_keys, n_auth, len;
	const char *host = field(head, "host:", &n_hosts);
	char want[NAME_SIZE];

	field(head, "x-api-key:", &n_keys);
	field(head, "authorization:", &n_auth);
	if (n_hosts > 1 || n_keys + n_auth > 1 || h->credentials != n_keys + n_auth)
		abort();
	if (strncmp(head, "CONNECT ", 8) == 0)
		host = head + 8;
	else if (head[strcspn(head, " ") + 1] != '/' && head[strcspn(head, " ") + 1] != '*')
		abort();
	len = host ? plain_host(host, host == head + 8 ? ' ' : '\n', want) : 0;
	if (len != h->host_len || memcmp(want, h->host, len) != 0)
		abort();
}

/* What a request loses that is refused: without it nothing is left that a second reading takes for
 * a key, for a coding, or for a body that ends otherwise than by its length. */
static void check_places(const struct head *h, char *head)
{
	const char *key, *accept, *length;
	size_t n, n_length, n_transfer;

	if (h->key_from > h->key_to || h->key_to > h->read || h->accept_from > h->accept_to ||
	    h->accept_to > h->read)
		abort();
	length = field(head, "content-length:", &n_length);
	field(head, "transfer-encoding:", &n_transfer);
	if ((n_length > 1 || n_transfer) && !h->odd)
		abort();
	if (h->body !=
		    (n_length && length && strcspn(length, "123456789") < strcspn(length, "\n")) &&
	    !h->odd)
		abort();
	if (h->odd)
		return;
	memset(head + h->key_from, ' ', h->key_to - h->key_from);
	memset(head + h->accept_from, ' ', h->accept_to - h->accept_from);
	key = field(head, "x-api-key:", &n);
	if (!n)
		key = field(head, "authorization:", &n);
	if (key && strncasecmp(key + strspn(key, " \t\r"), "bearer ", 7) == 0)
		key += strspn(key, " \t\r") + 7;
	if (key && key[strspn(key, " \t\r")] != '\n')
		abort();
	accept = field(head, "accept-encoding:", &n);
	if (accept && accept[strspn(accept, " \t\r")] != '\n')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char head[HEAD_MAX + 1];
	struct head h;
	size_t i;

	if (size > HEAD_MAX || memchr(data, 0, size))
		return 0;
	memset(&h, 0, sizeof(h));
	for (i = 0; i < size && h.state < HEAD_DONE; i++)
		head_step(&h, (char)data[i]);
	if (h.host_len > NAME_SIZE - 3 || h.key_len > HEAD_KEY - 1)
		abort();
	if (h.state != HEAD_DONE)
		return 0;
	memcpy(head, data, i);
	head[i] = 0;
	check(&h, head);
	check_places(&h, head);
	return 0;
}
