// SPDX-License-Identifier: Apache-2.0
/* The keeper's life: the order in which things start, one loop, the order in which they stop. */
#include "keeper/keeper.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Sources of the loop, in the upper half of epoll's data; the lower half is the descriptor. Numbers
 * below KEEPER_CHILDREN are children. */
#define SOURCE_QUERY  0x80u
#define SOURCE_ASKER  0x81u
#define SOURCE_SIGNAL 0x82u
#define SOURCE_TIMER  0x83u
#define SOURCE_RING   0x84u

/* The first tables wait this long for the names' addresses; the ones of an earlier keeper stay in
 * force meanwhile. */
#define NAMES_WAIT_MS 5000
/* … and the earlier keeper's programs report this long, while what runs is looked at, */
#define SEED_WAIT_MS 20000
/* … or so much longer where what the earlier one had probed has no new probes yet. */
#define KEPT_WAIT_MS 100000

int64_t keeper_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t keeper_boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int64_t boot_epoch_ns(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (real.tv_sec - boot.tv_sec) * 1000000000ll + (real.tv_nsec - boot.tv_nsec);
}

/* The pseudonym key: equal values in the log can be seen to be equal over the host's life. */
static int load_pseudonym_key(struct keeper *k)
{
	char directory[512], path[560];
	_cleanup_close_ int fd = -1;

	snprintf(directory, sizeof(directory), "%s/keys", k->options.state_directory);
	if (mkdir(k->options.state_directory, 0755) < 0 && errno != EEXIST)
		return log_err_r(-errno, "cannot make %s", k->options.state_directory);
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return log_err_r(-errno, "cannot make %s", directory);
	snprintf(path, sizeof(path), "%s/pseudonym.key", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		if (read(fd, k->pseudonym_key, 32) == 32)
			return 0;
		return log_err_r(-EINVAL, "%s does not hold 32 bytes", path);
	}
	if (errno != ENOENT)
		return log_err_r(-errno, "cannot open %s", path);
	if (RAND_bytes(k->pseudonym_key, 32) != 1)
		return log_err_r(-EIO, "no random bytes");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, k->pseudonym_key, 32) != 32 || fsync(fd) < 0)
		return log_err_r(-errno, "cannot write %s", path);
	return 0;
}

static int on_ask(void *ctx, void *data, size_t size)
{
	struct keeper *k = ctx;
	const struct record_image *r = data;

	if (size >= sizeof(*r) && r->head.version == CONTRACT_VERSION &&
	    r->head.type == RECORD_IMAGE)
		keeper_ask(k, r);
	return 0;
}

static int add(struct keeper *k, uint32_t source, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN,
				 .data.u64 = (uint64_t)source << 32 | (uint32_t)fd};

	return epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? log_err_r(-errno, "epoll") : 0;
}

static int open_loop(struct keeper *k)
{
	struct itimerspec each = {.it_interval = {.tv_nsec = 500000000},
				  .it_value = {.tv_nsec = 1}};
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return log_err_r(-errno, "sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = fd < 0 ? log_err_r(-errno, "signalfd") : add(k, SOURCE_SIGNAL, fd);
	if (r < 0)
		return r;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0 || timerfd_settime(fd, 0, &each, NULL) < 0)
		return log_err_r(-errno, "timerfd");
	return add(k, SOURCE_TIMER, fd);
}

/* What an earlier keeper had probed comes first: the take-over waits for that. */
static void look_at_all(struct keeper *k)
{
	keeper_seed_kept(k);
	keeper_libraries_kept(k);
	k->kept_question = k->next_question;
	keeper_seed(k);
}

/* The tables go in force, and what runs already is looked at: on a restart the clients get this
 * keeper's probes while the earlier ones still report. */
static int prepare(struct keeper *k)
{
	int r = keeper_policy_apply(k);

	if (r < 0)
		return r;
	keeper_guard(k);
	k->seeding = true;
	k->take_over_by_ms = keeper_now_ms() + SEED_WAIT_MS;
	look_at_all(k);
	return 0;
}

/* How many of what an earlier keeper had probed wait for an answer. */
static uint64_t kept_open(const struct keeper *k)
{
	uint64_t n = 0;

	for (const struct keeper_question *q = k->questions; q; q = q->next)
		n += q->id <= k->kept_question;
	return n;
}

/* The new programs begin to report, the earlier ones go. */
static int take_over(struct keeper *k)
{
	char why[160] = "";
	int r = kernel_take_over(k->kernel, why, sizeof(why));

	if (r == -EPROTO) {
		char what[240];

		snprintf(what, sizeof(what),
			 "this bailiffd does not take over, the one before stays in force: %s",
			 why);
		keeper_event_loss(k, what, 1);
	}
	if (r < 0)
		return r;
	k->seeding = false;
	k->took_over = true;
	k->watching_ns = keeper_boot_ns();
	keeper_images_sweep(k);
	keeper_event_policy(k);
	keeper_event_posture(k);
	if (kept_open(k))
		keeper_event_loss(k,
				  "files that an earlier bailiffd had probed were not looked at "
				  "again in time: what goes through them is unread until they are",
				  kept_open(k));
	/* once more: what began between the first look and the first question */
	keeper_seed(k);
	keeper_libraries_again(k);
	log_info("watching: policy version %llu, generation %llu, after %.1f s",
		 (unsigned long long)k->policy->version, (unsigned long long)k->generation,
		 (double)(keeper_now_ms() - k->started_ms) / 1000);
	return 0;
}

/* Whether something is to be looked at before the take-over, and there is time. */
static bool looking(struct keeper *k, int64_t now)
{
	if (now >= k->take_over_by_ms)
		return kept_open(k) && now < k->take_over_by_ms + KEPT_WAIT_MS;
	/* the analyst ended, or there were too many questions */
	if (k->ask_again && k->child[KEEPER_CHILD_ANALYST].sock >= 0) {
		k->ask_again = false;
		look_at_all(k);
	}
	return k->ask_again || k->n_questions;
}

/* Returns when it is not yet time, too. */
static int advance(struct keeper *k)
{
	int64_t now = keeper_now_ms();

	if (k->took_over)
		return 0;
	if (k->seeding)
		return looking(k, now) ? 0 : take_over(k);
	return now >= k->take_over_by_ms ? prepare(k) : 0;
}

static void tell_losses(struct keeper *k)
{
	uint64_t now[COUNTER_MAX], lost[COUNTER_MAX] = {0};
	bool any = false;

	if (kernel_counters(k->kernel, now) < 0)
		return;
	for (int i = COUNTER_LOST_DENIAL; i < COUNTER_MAX; i++) {
		if (i == COUNTER_CAPTURED_BYTES || i == COUNTER_FORKS || i == COUNTER_ANSWERS)
			continue;
		lost[i] = now[i] - k->counters[i];
		any |= lost[i] != 0;
	}
	memcpy(k->counters, now, sizeof(now));
	/* whoever began meanwhile is known to nobody */
	if (lost[COUNTER_LOST_ASK]) {
		keeper_images_sweep(k);
		k->ask_again = true;
	}
	if (any)
		keeper_tell(k, KEEPER_CHILD_READER, CHANNEL_LOST, lost, sizeof(lost), -1);
}

static void add_missed(void *ctx, const struct kernel_program *p)
{
	*(uint64_t *)ctx += p->missed;
}

/* Where functions stand in for LSM hooks, a program that is interrupted by itself is skipped. */
static void tell_missed(struct keeper *k)
{
	uint64_t missed = 0;

	if (kernel_programs(k->kernel, add_missed, &missed) < 0 || missed <= k->missed)
		return;
	keeper_event_loss(k, "the kernel skipped programs that were running already",
			  missed - k->missed);
	k->missed = missed;
}

static int on_timer(struct keeper *k, int fd)
{
	static unsigned int ticks;
	uint64_t n;
	int r;

	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return -errno;
	r = advance(k);
	if (r < 0)
		return r;
	keeper_checkpoint(k, false);
	keeper_query_expire(k);
	keeper_children_retry(k);
	keeper_notices_tick(k);
	if (++ticks % 4 == 0) {
		tell_losses(k);
		keeper_images_tick(k);
		keeper_intact_tick(k);
		tell_missed(k);
		keeper_clients_sweep(k);
		keeper_locals_check(k);
	}
	if (ticks % 120 == 0) {
		keeper_names_expire(k);
		keeper_images_sweep(k);
		kernel_cover_sweep(k->kernel);
	}
	return 0;
}

static void on_signal(struct keeper *k, int fd)
{
	struct signalfd_siginfo info;
	struct policy_report report = {0};

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			keeper_children_reap(k);
			break;
		case SIGHUP:
			if (keeper_policy_reload(k, &report) < 0)
				policy_report_print(&report, stderr, false);
			policy_report_free(&report);
			break;
		default:
			k->stopping = true;
		}
	}
}

static void on_child(struct keeper *k, int which, int fd)
{
	static uint8_t body[CHANNEL_BODY_MAX];
	enum channel_type type;

	for (int i = 0; i < 64; i++) {
		ssize_t n = channel_receive(fd, &type, body, NULL, MSG_DONTWAIT);

		if (n < 0) {
			/* -ENODATA: it ended, and SIGCHLD says so; anything else is not forgiven */
			if (n != -EAGAIN)
				epoll_ctl(k->epoll, EPOLL_CTL_DEL, fd, NULL);
			return;
		}
		k->child[which].failures = 0;
		if (which == KEEPER_CHILD_READER &&
		    (type == CHANNEL_EVENT || type == CHANNEL_DENIAL))
			keeper_append(k, (char *)body, (size_t)n, type == CHANNEL_DENIAL);
		else if (which == KEEPER_CHILD_COURIER && type == CHANNEL_NAMES &&
			 n == sizeof(struct channel_names))
			keeper_names(k, (struct channel_names *)(void *)body);
		else if (which == KEEPER_CHILD_ANALYST && type == CHANNEL_ANALYSED &&
			 n == sizeof(struct channel_analysed))
			keeper_analysed(k, (struct channel_analysed *)(void *)body);
		else if (which == KEEPER_CHILD_READER && type == CHANNEL_JUDGED &&
			 n == sizeof(struct channel_judged))
			keeper_judged(k, (struct channel_judged *)(void *)body);
		else if (type == CHANNEL_FAILED)
			keeper_event_loss(k, "a child process did not take the policy", 1);
		else
			log_err("a message of type %d that the %s has no business with", type,
				k->child[which].role);
	}
}

static int run(struct keeper *k)
{
	struct epoll_event events[32];
	int r = 0;

	while (!k->stopping && r >= 0) {
		int n = epoll_wait(k->epoll, events, ARRAY_SIZE(events), -1);

		if (n < 0 && errno != EINTR)
			return log_err_r(-errno, "epoll");
		for (int i = 0; i < n && r >= 0; i++) {
			uint32_t source = (uint32_t)(events[i].data.u64 >> 32);
			int fd = (int)(uint32_t)events[i].data.u64;

			if (source == SOURCE_TIMER)
				r = on_timer(k, fd);
			else if (source == SOURCE_SIGNAL)
				on_signal(k, fd);
			else if (source == SOURCE_QUERY)
				keeper_query_accept(k);
			else if (source == SOURCE_ASKER)
				keeper_query_serve(k, fd);
			else if (source == SOURCE_RING)
				ring_buffer__consume(k->asks);
			else if (source < KEEPER_CHILDREN)
				on_child(k, (int)source, fd);
		}
	}
	return r;
}

/* Rings before hooks before the scan: what starts in between is in the ring or in the scan, and
 * what is in both is known by its key. */
static int start(struct keeper *k)
{
	struct policy_report report = {0};
	int64_t unwatched_ms = 0;
	uint64_t discarded = 0;
	int r;

	r = keeper_policy_load(k, &report);
	if (report.n)
		policy_report_print(&report, stderr, isatty(STDERR_FILENO));
	policy_report_free(&report);
	if (r < 0)
		return log_err_r(-EINVAL, "the policy in %s is refused",
				 k->options.policy_directory);
	r = load_pseudonym_key(k);
	if (r < 0)
		return r;
	r = keeper_journal_open(k, &unwatched_ms, &discarded);
	if (r < 0)
		return r;
	keeper_event_start(k, unwatched_ms, discarded);
	keeper_cache_open(k);
	r = kernel_open(&k->kernel);
	if (r < 0)
		return r;
	keeper_masks_start(k);
	keeper_images_start(k);
	k->generation = kernel_policy_generation(k->kernel);
	kernel_counters(k->kernel, k->counters);
	k->asks = ring_buffer__new(kernel_ring_fd(k->kernel, KERNEL_RING_ASKS), on_ask, k, NULL);
	if (!k->asks)
		return log_err_r(-errno, "cannot open the ring of questions");
	r = add(k, SOURCE_RING, ring_buffer__epoll_fd(k->asks));
	if (r == 0)
		r = keeper_children_start(k);
	if (r == 0)
		r = keeper_query_open(k);
	k->take_over_by_ms = keeper_now_ms() + (k->n_names ? NAMES_WAIT_MS : 0);
	return r;
}

static void stop(struct keeper *k, int r)
{
	if (k->log) {
		keeper_event_stop(
			k, r < 0 ? "bailiff ends because of an error; what is attached goes "
				   "on enforcing"
			   : k->detached ? "bailiff ends and takes its hooks along"
					 : "bailiff ends; what is attached goes on enforcing");
		keeper_checkpoint(k, true);
	}
	keeper_children_stop(k);
	keeper_query_close(k);
	ring_buffer__free(k->asks);
	kernel_close(k->kernel);
	if (k->detached)
		kernel_detach();
	log_close(k->log);
	policy_tables_free(k->tables);
	policy_free(k->policy);
	explicit_bzero(k->pseudonym_key, sizeof(k->pseudonym_key));
}

int keeper_main(const struct keeper_options *options)
{
	static struct keeper k;
	const struct rlimit none = {0, 0};
	int r;

	log_init("bailiffd", LOG_LEVEL_INFO);
	if (geteuid() != 0) {
		log_err("bailiffd needs root to load its programs");
		return EXIT_FAILURE;
	}
	/* a core file would hold keys and, through the socket buffers, captured text */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	k.options = *options;
	k.query_fd = -1;
	k.cache_fd = -1;
	k.started_ms = keeper_now_ms();
	k.boot_epoch_ns = boot_epoch_ns();
	gethostname(k.host, sizeof(k.host) - 1);
	for (int i = 0; i < KEEPER_CHILDREN; i++)
		k.child[i].sock = -1;
	k.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k.epoll < 0)
		return log_err_r(-errno, "epoll") ? EXIT_FAILURE : 0;
	r = open_loop(&k);
	if (r == 0)
		r = start(&k);
	if (r == 0)
		r = run(&k);
	stop(&k, r);
	return r == -EINVAL ? 2 : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
