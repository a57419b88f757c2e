// SPDX-License-Identifier: Apache-2.0
/* Answers the command line. Who asks is what the kernel says (SO_PEERCRED). */
#include "keeper/query.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/version.h"
#include "decide/block.h"
#include "keeper/keeper.h"

#define ASKER_PATIENCE_MS 5000

int keeper_query_open(struct keeper *k)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct epoll_event ev = {.events = EPOLLIN};
	int fd;

	if (mkdir(k->options.run_directory, 0755) < 0 && errno != EEXIST)
		return log_err_r(-errno, "cannot make %s", k->options.run_directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/query.sock",
		 k->options.run_directory);
	unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return log_err_r(-errno, "cannot make the query socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(address.sun_path, 0666) < 0 || listen(fd, 16) < 0) {
		int r = -errno;

		close(fd);
		return log_err_r(r, "cannot listen on %s", address.sun_path);
	}
	k->query_fd = fd;
	ev.data.u64 = (uint64_t)(0x80u) << 32 | (uint32_t)fd;
	return epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void asker_close(struct keeper *k, int fd)
{
	for (int i = 0; i < KEEPER_ASKERS_MAX; i++)
		if (k->askers[i].fd == fd)
			k->askers[i].fd = 0;
	close(fd);
}

/* Who connects and says nothing would keep a place for ever. */
void keeper_query_expire(struct keeper *k)
{
	int64_t now = keeper_now_ms();

	for (int i = 0; i < KEEPER_ASKERS_MAX; i++)
		if (k->askers[i].fd && now - k->askers[i].since_ms > ASKER_PATIENCE_MS)
			asker_close(k, k->askers[i].fd);
}

void keeper_query_accept(struct keeper *k)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
	int fd = accept4(k->query_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int oldest = 0;

	if (fd < 0)
		return;
	for (int i = 0; i < KEEPER_ASKERS_MAX && k->askers[oldest].fd; i++)
		if (!k->askers[i].fd || k->askers[i].since_ms < k->askers[oldest].since_ms)
			oldest = i;
	if (k->askers[oldest].fd)
		asker_close(k, k->askers[oldest].fd);
	ev.data.u64 = (uint64_t)(0x81u) << 32 | (uint32_t)fd;
	if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return;
	}
	k->askers[oldest].fd = fd;
	k->askers[oldest].since_ms = keeper_now_ms();
}

static json_t *refuse(const char *why)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", why);
}

static const struct policy_person *person_called(const struct keeper *k, const char *email)
{
	for (size_t i = 0; i < k->policy->n_people; i++)
		if (strcmp(k->policy->people[i].email, email) == 0)
			return &k->policy->people[i];
	return NULL;
}

static json_t *why_entry(const struct keeper *k, const struct keeper_denial *d)
{
	json_t *one = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "number",
				(json_int_t)d->number, "time", (json_int_t)d->time_ms, "verdict",
				d->would ? "would_deny" : "denied", "what", d->what, "rule",
				d->rule, "sentence", d->sentence, "contact",
				k->policy->contact ? k->policy->contact : "");
	char block[BLOCK_NAME_SIZE];

	if (d->block) {
		block_name(d->block, block);
		json_object_set_new(one, "block", json_string(block));
	}
	return one;
}

static json_t *answer_why(struct keeper *k, const json_t *ask, uint32_t uid)
{
	const char *email = json_string_value(json_object_get(ask, "person"));
	json_int_t limit = json_integer_value(json_object_get(ask, "limit"));
	const json_t *number = json_object_get(ask, "number");
	const char *name = json_string_value(json_object_get(ask, "block"));
	const struct policy_person *person;
	uint64_t block = 0;
	json_t *list;
	size_t have = k->n_denials < KEEPER_WHY_MAX ? k->n_denials : KEEPER_WHY_MAX;

	if (email && uid != 0)
		return refuse("only root may ask about somebody else");
	if (name && block_parse(name, &block) < 0)
		return refuse("that is no number of a block");
	list = json_array();
	person = email ? person_called(k, email) : keeper_person(k, uid, NULL);
	if (limit < 1 || limit > 50)
		limit = number || block || limit < 1 ? 1 : 50;
	for (size_t i = 0; i < have && (json_int_t)json_array_size(list) < limit; i++) {
		const struct keeper_denial *d =
			&k->denials[(k->n_denials - 1 - i) % KEEPER_WHY_MAX];
		bool theirs = email ? strcmp(d->person, email) == 0 : d->uid == uid;

		/* root sees all; a number narrows, it does not widen */
		if (!theirs && !(uid == 0 && !email))
			continue;
		if (number && (uint64_t)json_integer_value(number) != d->number)
			continue;
		/* numbers of blocks may begin anew with the host: the newest is meant */
		if (block && block != d->block)
			continue;
		json_array_append_new(list, why_entry(k, d));
	}
	return json_pack("{s:b, s:s?, s:o}", "ok", 1, "person", person ? person->email : NULL,
			 "denials", list);
}

static const char *mode_name(enum bailiff_mode mode)
{
	static const char *const names[] = {"record", "shadow", "enforce"};

	return mode < BAILIFF_MODE_MAX ? names[mode] : "unknown";
}

static json_t *status_names(const struct keeper *k)
{
	json_t *names = json_array();

	for (size_t i = 0; i < k->n_names; i++) {
		const struct keeper_name *n = &k->names[i];
		json_t *addresses = json_array();

		for (size_t a = 0; a < n->n; a++) {
			char text[INET6_ADDRSTRLEN] = "";

			inet_ntop(n->addresses[a].family, n->addresses[a].address, text,
				  sizeof(text));
			json_array_append_new(addresses, json_string(text));
		}
		json_array_append_new(
			names,
			json_pack("{s:s, s:o, s:I}", "name", n->name, "addresses", addresses,
				  "age_ms",
				  (json_int_t)(n->seen_ms ? keeper_now_ms() - n->seen_ms : -1)));
	}
	return names;
}

static json_t *status_counters(struct keeper *k)
{
	static const char *const names[] = {
		"denied",	"would_deny",	  "lost_denials",   "lost_records",
		"lost_asks",	"lost_bytes",	  "captured_bytes", "unreadable_buffers",
		"nested_calls", "storage_failed", "forks",	    "pending_full",
		"names_full",	"dns_answers",	  "dns_answers_bad"};
	uint64_t counters[COUNTER_MAX] = {0};
	json_t *o = json_object();

	static_assert(ARRAY_SIZE(names) == COUNTER_MAX, "one name a counter");
	kernel_counters(k->kernel, counters);
	for (int i = 0; i < COUNTER_MAX; i++)
		json_object_set_new(o, names[i], json_integer((json_int_t)counters[i]));
	return o;
}

/* What a client's image is like, in the same words for the file and for who runs it. */
static json_t *status_image(const struct keeper *k, const struct keeper_image *i)
{
	char build_id[2 * TLS_BUILD_ID_MAX + 1] = "";

	if (!i)
		return json_pack("{s:s, s:b, s:s, s:s}", "build_id", "", "inspected", 0, "proof",
				 "none", "why", "its file is not known as a client's any more");
	if (i->layout)
		digest_hex(i->layout->build_id, i->layout->build_id_len, build_id);
	return json_pack("{s:i, s:s, s:b, s:s, s:s}", "image", (int)i->id, "build_id", build_id,
			 "inspected", (int)keeper_inspected(k, i), "proof",
			 keeper_proof_to_string(i->proof), "why",
			 i->attached && k->masks_closed ? KEEPER_MASKS_CLOSED : i->why);
}

static json_t *status_clients(const struct keeper *k)
{
	json_t *list = json_array();

	for (const struct keeper_client *c = k->clients; c; c = c->next) {
		const struct policy_person *p = keeper_person(k, c->uid, NULL);
		json_t *o = status_image(k, keeper_image_numbered(k, c->image_id));

		if (c->tampered) {
			json_object_set_new(o, "inspected", json_false());
			json_object_set_new(o, "why", json_string(c->tampered));
		}

		json_object_set_new(o, "pid", json_integer(c->pid));
		json_object_set_new(o, "person", p ? json_string(p->email) : json_null());
		json_object_set_new(o, "executable", json_string(c->executable));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *status_images(const struct keeper *k)
{
	json_t *list = json_array();

	for (const struct keeper_image *i = k->images; i; i = i->next)
		if (i->answered && i->class_ == IMAGE_CLIENT)
			json_array_append_new(list, status_image(k, i));
	return list;
}

static json_t *status_policy(const struct keeper *k)
{
	char digest[DIGEST_HEX];
	json_t *modes = json_pack("{s:s, s:s, s:s}", "destinations",
				  mode_name(k->policy->mode_destinations), "skills",
				  mode_name(k->policy->mode_skills), "model",
				  mode_name(k->policy->mode_model));

	if (k->tables && k->tables->root.inline_kinds)
		json_object_set_new(
			modes, "inline",
			json_string(mode_name((enum bailiff_mode)k->tables->root.mode_inline)));
	digest_hex(k->policy->digest, DIGEST_SIZE, digest);
	return json_pack("{s:I, s:s, s:I, s:o}", "version", (json_int_t)k->policy->version,
			 "digest", digest, "generation", (json_int_t)k->generation, "modes", modes);
}

static json_t *status_posture(const struct keeper *k)
{
	json_t *posture = json_array();
	const struct posture *p;
	size_t n;

	p = kernel_posture(k->kernel, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			posture, json_pack("{s:s, s:s, s:s, s:s}", "capability", p[i].capability,
					   "state", posture_state_to_string(p[i].state), "means",
					   p[i].means, "reason", p[i].reason));
	return posture;
}

static void add_program(void *list, const struct kernel_program *p)
{
	json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", p->name, "instructions",
					      (json_int_t)p->instructions, "missed",
					      (json_int_t)p->missed));
}

static json_t *status_programs(const struct keeper *k)
{
	json_t *list = json_array();

	kernel_programs(k->kernel, add_program, list);
	return list;
}

static json_t *answer_status(struct keeper *k)
{
	json_t *o = json_pack("{s:b, s:s, s:I}", "ok", 1, "version", BAILIFF_VERSION, "uptime_ms",
			      (json_int_t)(keeper_now_ms() - k->started_ms));
	json_t *processes = json_pack("{s:i}", "keeper", (int)getpid());

	for (int i = 0; i < KEEPER_CHILDREN; i++)
		json_object_set_new(processes, k->child[i].role, json_integer(k->child[i].pid));
	json_object_set_new(o, "watching", json_boolean(k->took_over));
	json_object_set_new(o, "policy", status_policy(k));
	json_object_set_new(o, "posture", status_posture(k));
	json_object_set_new(o, "programs", status_programs(k));
	json_object_set_new(o, "clients", status_clients(k));
	json_object_set_new(o, "images", status_images(k));
	json_object_set_new(o, "counters", status_counters(k));
	json_object_set_new(o, "inline", keeper_tally_json(k));
	json_object_set_new(o, "log",
			    json_pack("{s:I, s:s, s:I}", "size", (json_int_t)log_size(k->log),
				      "directory", k->policy->log_directory, "checkpoint_ms",
				      (json_int_t)k->last_checkpoint_ms));
	json_object_set_new(o, "processes", processes);
	json_object_set_new(o, "names", status_names(k));
	json_object_set_new(o, "terminals",
			    json_pack("{s:I, s:I, s:I}", "told", (json_int_t)k->notices.told,
				      "held_back", (json_int_t)k->notices.held, "unreachable",
				      (json_int_t)k->unreachable));
	return o;
}

static json_t *answer_reload(struct keeper *k, uint32_t uid)
{
	struct policy_report report = {0};
	json_t *answer, *lines = json_array();
	int r;

	keeper_event_admin(k, "the policy was asked to be loaded again", uid);
	r = keeper_policy_reload(k, &report);
	for (size_t i = 0; i < report.n; i++)
		json_array_append_new(lines,
				      json_sprintf("%s:%u:%u: %s", report.messages[i].where.file,
						   report.messages[i].where.line,
						   report.messages[i].where.column,
						   report.messages[i].text));
	policy_report_free(&report);
	if (r < 0)
		answer = json_pack("{s:b, s:s, s:o}", "ok", 0, "error",
				   "the policy was refused; the one in force stays", "report",
				   lines);
	else
		answer = json_pack("{s:b, s:I, s:o}", "ok", 1, "generation",
				   (json_int_t)k->generation, "report", lines);
	return answer;
}

/* A file that root alone can have written: whoever could change it would be trusted as bailiffd. */
static json_t *answer_successor(struct keeper *k, const json_t *ask, uint32_t uid)
{
	const char *path = json_string_value(json_object_get(ask, "file"));
	_cleanup_close_ int fd =
		path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return refuse("that is no file that can be opened");
	if (st.st_uid != 0 || (st.st_mode & 022))
		return refuse("the file can be written by others than root");
	r = kernel_guard_successor(k->kernel, fd);
	if (r < 0)
		return refuse("the guard did not take the file");
	keeper_event_admin(k, "another file of bailiffd may take over", uid);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *answer(struct keeper *k, const json_t *ask, uint32_t uid)
{
	const char *what = json_string_value(json_object_get(ask, "ask"));

	if (!what)
		return refuse("the message has no \"ask\"");
	if (strcmp(what, "why") == 0)
		return answer_why(k, ask, uid);
	if (uid != 0)
		return json_pack("{s:b, s:s, s:b}", "ok", 0, "error", "only root may ask that",
				 "not_permitted", 1);
	if (strcmp(what, "status") == 0)
		return answer_status(k);
	if (strcmp(what, "reload") == 0)
		return answer_reload(k, uid);
	if (strcmp(what, "trust") == 0)
		return answer_successor(k, ask, uid);
	if (strcmp(what, "detach") == 0) {
		keeper_event_admin(k, "bailiff was detached: nothing is enforced any more", uid);
		k->detached = true;
		k->stopping = true;
		return json_pack("{s:b}", "ok", 1);
	}
	return refuse("that question is not known");
}

void keeper_query_serve(struct keeper *k, int fd)
{
	static char text[QUERY_MAX];
	struct ucred peer;
	socklen_t size = sizeof(peer);
	ssize_t n = recv(fd, text, sizeof(text), 0);
	_cleanup_free_ char *out = NULL;
	json_t *ask, *reply;

	if (n <= 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		asker_close(k, fd);
		return;
	}
	ask = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	reply = json_is_object(ask) ? answer(k, ask, peer.uid)
				    : refuse("the message is no JSON object");
	json_decref(ask);
	out = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	json_decref(reply);
	if (out && strlen(out) < QUERY_MAX)
		send(fd, out, strlen(out), MSG_NOSIGNAL | MSG_DONTWAIT);
	asker_close(k, fd);
}

void keeper_query_close(struct keeper *k)
{
	char path[256];

	if (k->query_fd < 0)
		return;
	close(k->query_fd);
	snprintf(path, sizeof(path), "%s/query.sock", k->options.run_directory);
	unlink(path);
}
