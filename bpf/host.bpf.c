// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a request says at SSL_write, before it is encrypted: whom it is for, and whose key it
 * brings.
 *
 * An address on a shared host is opened by one name and answers for thousands. So the connection is
 * not believed, the request is: net.bpf.c compares what is noted here with the names that opened
 * the socket, when the thread sends. The TLS functions do not know the socket; their send, on the
 * same thread, does. */
#include "bpf/actor.bpf.h"
#include "bpf/head.h"
#include "bpf/uprobe.bpf.h"
#include "bpf/siphash.h"
#include "bpf/verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct host_work {
	__u32 busy;
	__u32 len;
	struct head head;
	struct siphash sip;
	struct name_key name;
	char bytes[HEAD_MAX];
};

/* Claimed like the places of net.bpf.h, and for the same reason. */
#define HOST_PLACES 4
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOST_PLACES);
	__type(key, __u32);
	__type(value, struct host_work);
} host_work SEC(".maps");

struct host_key {
	__u64 ssl;
	__u64 start_ns;
	__u32 tgid;
	__u32 pad;
};

/* Connections that have begun: what comes first on one must be a whole head. LRU: one pushed out is
 * taken for new, and its next write must be a head again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct host_key);
	__type(value, __u32);
} host_begun SEC(".maps");

static __always_inline struct host_work *host_begin(void)
{
	for (__u32 i = 0; i < HOST_PLACES; i++) {
		__u32 key = i;
		struct host_work *w = bpf_map_lookup_elem(&host_work, &key);

		if (!w)
			return NULL;
		if (__sync_val_compare_and_swap(&w->busy, 0, 1))
			continue;
		__builtin_memset(&w->head, 0, sizeof(w->head));
		__builtin_memset(&w->name, 0, sizeof(w->name));
		return w;
	}
	return NULL;
}

static __always_inline void host_end(struct host_work *w)
{
	/* a key is here in clear */
	__builtin_memset(w->head.key, 0, sizeof(w->head.key));
	__sync_lock_test_and_set(&w->busy, 0);
}

struct host_walk {
	struct host_work *w;
};

static long host_byte(__u32 i, struct host_walk *walk)
{
	struct host_work *w = walk->w;

	if (i >= w->len || i >= HEAD_MAX)
		return 1;
	head_step(&w->head, w->bytes[i & (HEAD_MAX - 1)]);
	return w->head.state >= HEAD_DONE;
}

static long host_backward(__u32 i, struct host_walk *walk)
{
	struct host_work *w = walk->w;
	__u32 len = w->head.host_len;

	if (i >= len || i >= NAME_SIZE - 1)
		return 1;
	w->name.name[i & (NAME_SIZE - 1)] = w->head.host[(len - 1 - i) & (NAME_SIZE - 1)];
	return 0;
}

static long host_word(__u32 i, struct host_walk *walk)
{
	struct host_work *w = walk->w;
	__u64 word;

	if (i >= w->head.key_len / 8 || i >= HEAD_KEY / 8)
		return 1;
	__builtin_memcpy(&word, &w->head.key[(i * 8) & (HEAD_KEY - 8)], 8);
	siphash_word(&w->sip, word);
	return 0;
}

/* Digest of the key on the request. The bytes past key_len are zero. */
static __always_inline void host_digest(struct host_work *w, const __u64 secret[2], __u64 ret[2])
{
	struct host_walk walk = {.w = w};
	__u32 len = w->head.key_len;
	__u64 last = 0;

	siphash_begin(&w->sip, secret);
	bpf_loop(HEAD_KEY / 8, host_word, &walk, 0);
	__builtin_memcpy(&last, &w->head.key[(len & ~7u) & (HEAD_KEY - 8)], 8);
	siphash_end(&w->sip, last, len, ret);
}

/* Whose key it is. Sets what is to be refused, or reports. */
static __always_inline void host_credential(struct host_work *w, struct said *said,
					    const struct task_context *t)
{
	struct credential_key key = {};
	struct policy_root *root;
	struct person_value *p;
	void *enrolled;
	__u32 slot = 0;

	root = policy_now(&slot);
	if (!root || !(root->flags & (POLICY_CREDENTIAL_REPORT | POLICY_CREDENTIAL_REFUSE)))
		return;
	enrolled = bpf_map_lookup_elem(&policy_credentials, &slot);
	p = actor_person(slot, t->uid);
	key.person = p ? p->person : 0;
	if (enrolled && w->head.credentials) {
		host_digest(w, root->credential_key, key.digest);
		if (bpf_map_lookup_elem(enrolled, &key))
			return;
	} else if (!w->head.credentials) {
		return; /* a request without a key spends nobody's */
	}
	said->flags |= SAID_DENY;
	said->reason = BAILIFF_REASON_CREDENTIAL;
}

/* A request that could not be read is for nobody that a rule lists. */
static __always_inline void host_unread(struct said *said, __u64 ssl)
{
	count(COUNTER_STORAGE_FAILED, 1);
	said->ssl = ssl;
	said->pattern = 0;
	said->reason = BAILIFF_REASON_HOST;
	said->rule = 0;
	said->name_len = 0;
	said->flags = (said->flags & SAID_RESET) | SAID_HOST;
}

/* Looks the host up backwards, and notes what it found. */
static __always_inline void host_note(struct host_work *w, struct said *said, __u64 ssl,
				      const struct task_context *t)
{
	struct host_walk walk = {.w = w};
	struct name_value *v = NULL;
	__u32 slot = 0;
	void *names;

	said->ssl = ssl;
	said->pattern = 0;
	said->reason = BAILIFF_REASON_HOST;
	said->rule = 0;
	said->name_len = w->head.host_len;
	__builtin_memcpy(said->name, w->head.host, sizeof(said->name));
	said->flags = (said->flags & SAID_RESET) | SAID_HOST;
	/* a trailing dot is the same name (RFC 9110, 4.2.3 leaves it to DNS) */
	if (w->head.host_len && w->head.host[(w->head.host_len - 1) & (NAME_SIZE - 1)] == '.')
		w->head.host_len--;
	if (w->head.state != HEAD_DONE || !w->head.host_len || w->head.host_len > NAME_SIZE - 3)
		return;
	bpf_loop(NAME_SIZE, host_backward, &walk, 0);
	w->name.prefix_len = (w->head.host_len + 1) * 8;
	if (!policy_now(&slot))
		return;
	names = bpf_map_lookup_elem(&policy_names, &slot);
	if (names)
		v = bpf_map_lookup_elem(names, &w->name);
	if (!v)
		return;
	said->pattern = v->pattern;
	if (v->effects & (1u << DEST_MODEL))
		host_credential(w, said, t);
}

SEC("uprobe")
int BPF_KPROBE(host_write, __u64 ssl, __u64 buffer, __u64 len)
{
	char first[HEAD_METHOD_MAX + 1] = {};
	struct host_walk walk = {};
	struct host_key key = {.ssl = ssl};
	struct task_context *t = actor_governed();
	struct host_work *w;
	struct said *s;
	__u32 n = (__u32)len, one = 1;
	bool begun;

	uprobe_own_stack(ctx);
	/* SSL_write has an int, and what is negative fails there */
	if (!t || (__s32)n <= 0)
		return 0;
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.start_ns = BPF_CORE_READ(bpf_get_current_task_btf(), group_leader, start_boottime);
	begun = bpf_map_lookup_elem(&host_begun, &key);
	if (n >= sizeof(first))
		bpf_probe_read_user(first, sizeof(first), (void *)buffer);
	if (begun && !head_begins(first))
		return 0;
	if (!begun)
		bpf_map_update_elem(&host_begun, &key, &one, BPF_ANY);
	if (head_is_http2(first))
		return 0;
	s = bpf_task_storage_get(&said, bpf_get_current_task_btf(), 0,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!s) {
		count(COUNTER_STORAGE_FAILED, 1);
		return 0;
	}
	/* TLS inside TLS through a proxy begins with a handshake: its own SSL_write says the name
	 */
	if (first[0] == 0x16 && first[1] == 0x03)
		return 0;
	w = host_begin();
	if (!w) {
		host_unread(s, ssl);
		return 0;
	}
	if (n > HEAD_MAX)
		n = HEAD_MAX;
	w->len = n;
	if (n < HEAD_MAX)
		asm volatile("%0 &= 0xfff" : "+r"(n));
	if (!bpf_probe_read_user(w->bytes, n, (void *)buffer)) {
		walk.w = w;
		bpf_loop(HEAD_MAX, host_byte, &walk, 0);
	} else {
		w->head.state = HEAD_BAD;
	}
	host_note(w, s, ssl, t);
	host_end(w);
	return 0;
}

/* The pointer is a new connection. */
SEC("uprobe")
int BPF_KPROBE(host_handshake, __u64 ssl)
{
	struct host_key key = {.ssl = ssl};

	uprobe_own_stack(ctx);
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.start_ns = BPF_CORE_READ(bpf_get_current_task_btf(), group_leader, start_boottime);
	bpf_map_delete_elem(&host_begun, &key);
	return 0;
}
