// SPDX-License-Identifier: Apache-2.0
/* One question, one answer, over the agent's query socket. */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/terminal.h"
#include "keeper/query.h"

#define MS 1000

static const char *client_path = QUERY_SOCKET;
static int client_question_ms = CLIENT_TIMEOUT_S * MS;
static int client_order_ms = CLIENT_ORDER_TIMEOUT_S * MS;
static int client_notice_ms = CLIENT_NOTICE_S * MS;

#ifdef BAILIFF_TESTING
void client_test(const char *path, int timeout_ms)
{
	client_path = path;
	client_question_ms = timeout_ms;
	client_order_ms = timeout_ms * CLIENT_ORDER_TIMEOUT_S / CLIENT_TIMEOUT_S;
	client_notice_ms = timeout_ms * CLIENT_NOTICE_S / CLIENT_TIMEOUT_S;
}
#endif

/* One exchange. doing is set for an order, and says what the agent does about it. */
struct exchange {
	const char *text;
	const char *doing;
	char *answer; /* QUERY_MAX bytes */
	size_t len;
};

void client_decref(json_t **json)
{
	json_decref(*json);
}

const char *client_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_int_t client_integer(const json_t *object, const char *key, json_int_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static void client_complain(const char *what)
{
	fputs("bailiff: ", stderr);
	terminal_print(stderr, TERMINAL_PLAIN, what);
	fputc('\n', stderr);
}

/* Says what a failed call means for the person, and gives the exit status for it. */
static enum cli_status client_failed(int err, const char *doing)
{
	char text[256];

	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		client_complain("the agent is not running (nobody answers on its socket); "
				"`systemctl status bailiff` says more");
		return CLI_NOT_RUNNING;
	case -EACCES:
	case -EPERM:
		client_complain("this user may not talk to the agent");
		return CLI_NOT_PERMITTED;
	case -EAGAIN:
		client_complain("the agent does not answer in time; it may be busy, or stopped");
		return CLI_FAILED;
	case -ECONNRESET:
	case -EPIPE:
		client_complain("the agent closed the connection without an answer");
		return CLI_FAILED;
	default:
		if (snprintf(text, sizeof(text), "%s: %s", doing, strerror(-err)) < 0)
			text[0] = 0;
		client_complain(text);
		return CLI_FAILED;
	}
}

static int client_bound(int fd, int option, int ms)
{
	struct timeval time = {.tv_sec = ms / MS, .tv_usec = ms % MS * 1000};

	return setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)) < 0 ? -errno : 0;
}

/* SO_SNDTIMEO also bounds connect(2), which waits when the agent's backlog is full. */
static int client_connect(int ms, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(client_path);
	int r;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, client_path, len);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = client_bound(fd, SO_SNDTIMEO, ms);
	if (r == 0)
		r = client_bound(fd, SO_RCVTIMEO, ms);
	if (r < 0)
		return r;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		if (errno != EINTR)
			return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

/* One message, whole or not at all: the kernel says with MSG_TRUNC when it was longer. No control
 * buffer is given, so descriptors that come along are closed by the kernel. */
static int client_receive(int fd, char *buffer, size_t size, size_t *ret_len)
{
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	*ret_len = (size_t)n;
	return 0;
}

/* A policy of many rules takes the agent longer than a person waits without a word. */
static void client_notice(int fd, const char *doing)
{
	struct pollfd answer = {.fd = fd, .events = POLLIN};

	if (isatty(STDERR_FILENO) && poll(&answer, 1, client_notice_ms) == 0)
		fprintf(stderr, "bailiff: the agent is %s, waiting up to %d s\n", doing,
			CLIENT_ORDER_TIMEOUT_S);
}

static enum cli_status client_exchange(struct exchange *x)
{
	int r, ms = x->doing ? client_order_ms : client_question_ms;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	r = client_connect(ms, &fd);
	if (r < 0)
		return client_failed(r, "cannot connect to the agent");
	do
		n = send(fd, x->text, strlen(x->text), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return client_failed(-errno, "cannot ask the agent");
	if (x->doing)
		client_notice(fd, x->doing);
	r = client_receive(fd, x->answer, QUERY_MAX, &x->len);
	if (r == -EMSGSIZE) {
		client_complain("the agent's answer is longer than it may be");
		return CLI_FAILED;
	}
	if (r == -EAGAIN && x->doing) {
		client_complain("the agent does not answer in time; it may still do what it was "
				"told: `bailiff status` says what is in force");
		return CLI_FAILED;
	}
	return r < 0 ? client_failed(r, "cannot read the agent's answer") : CLI_OK;
}

static enum cli_status client_say(json_t *request, const char *doing, bool root_only, json_t **ret,
				  json_t **ret_refusal)
{
	_cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);
	_cleanup_free_ char *buffer = malloc(QUERY_MAX);
	struct exchange x = {.text = text, .doing = doing, .answer = buffer};
	_cleanup_json_ json_t *answer = NULL;
	enum cli_status status;
	json_error_t error;

	if (!text || !buffer)
		return client_failed(-ENOMEM, "cannot ask the agent");
	if (strlen(text) > QUERY_MAX)
		return client_failed(-EMSGSIZE, "cannot ask the agent");
	status = client_exchange(&x);
	if (status != CLI_OK)
		return status;
	answer = json_loadb(buffer, x.len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(answer) || !json_is_boolean(json_object_get(answer, "ok"))) {
		client_complain("the agent's answer is not understood; are bailiff and bailiffd of "
				"the same version?");
		return CLI_FAILED;
	}
	if (json_is_true(json_object_get(answer, "ok"))) {
		*ret = TAKE_PTR(answer);
		return CLI_OK;
	}
	client_complain(*client_text(answer, "error") ? client_text(answer, "error")
						      : "the agent refused, and gave no reason");
	if (ret_refusal)
		*ret_refusal = TAKE_PTR(answer);
	if (json_is_true(json_object_get(ret_refusal ? *ret_refusal : answer, "not_permitted")) ||
	    (root_only && geteuid() != 0))
		return CLI_NOT_PERMITTED;
	return CLI_FAILED;
}

enum cli_status client_ask(json_t *request, int root_only, json_t **ret, json_t **ret_refusal)
{
	return client_say(request, NULL, root_only, ret, ret_refusal);
}

enum cli_status client_order(json_t *request, const char *doing, json_t **ret, json_t **ret_refusal)
{
	return client_say(request, doing, true, ret, ret_refusal);
}

enum cli_status client_print_json(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER) < 0)
		return client_failed(-ENOMEM, "cannot print the answer");
	fputc('\n', stdout);
	return CLI_OK;
}
