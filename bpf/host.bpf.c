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
#include "bpf/refusal.bpf.h"
#include "bpf/uprobe.bpf.h"
#include "bpf/siphash.h"
#include "bpf/verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set by the loader before load, as inline_writes of inline.bpf.h: what cannot be overwritten is
 * reset. */
const volatile __u32 host_writes = 1;

#define HOST_BLANKS 4096
#define HOST_FILLS  (0x80000000u / HOST_BLANKS) /* as much as SSL_write takes */
static const volatile char host_blanks[HOST_BLANKS] = {[0 ... HOST_BLANKS - 1] = ' '};

struct host_work {
	__u32 busy;
	__u32 len;
	/* the call */
	__u64 ssl, buffer;
	__u32 total;
	__u32 failed;	/* it could not be overwritten */
	__u64 at, left; /* what is being overwritten */
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

/* Connections that have begun: what comes first on one must be a whole head. LRU: one pushed out is
 * taken for new, and its next write must be a head again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct tls_connection_key);
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

/* ---- a request is made none --------------------------------------------------------------------
 */

static long host_fill(__u32 i, struct host_walk *walk)
{
	struct host_work *w = walk->w;
	__u64 n = w->left;

	if (!n)
		return 1;
	if (n > HOST_BLANKS)
		n = HOST_BLANKS;
	/* a positive size, and the verifier has to see it so */
	n = ((n - 1) & (HOST_BLANKS - 1)) + 1;
	if (bpf_probe_write_user((void *)w->at, (const void *)host_blanks, n)) {
		w->failed = 1;
		return 1;
	}
	w->at += n;
	w->left -= n;
	return 0;
}

/* Blanks from the byte `from` of the call up to `to`. Sets failed. */
__noinline int host_blank(struct host_work *w, __u32 from, __u32 to)
{
	struct host_walk walk = {.w = w};

	if (!w || from >= to)
		return 0;
	if (!host_writes) {
		w->failed = 1;
		return 0;
	}
	w->at = w->buffer + from;
	w->left = to - from;
	bpf_loop(HOST_FILLS, host_fill, &walk, 0);
	return 0;
}

/* Makes a request that is to be refused one that says nothing, so that it can be answered and need
 * not be reset: its body; its key, so that it spends nobody's and the holder of it never hears of
 * it; and what asks for an answer that nobody could overwrite. All else of the head is on its way
 * to the model API as that of nobody. What follows in later calls is made blank there. */
static __always_inline void host_silence(struct host_work *w, struct said *said,
					 const struct policy_root *root, __u32 person)
{
	struct refusal new = {.generation = root->generation, .person = person};
	struct tls_connection_key key;
	struct refusal *r;

	if (!host_writes || !(root->inline_kinds & POLICY_INLINE_KEYS) ||
	    !(root->flags & POLICY_CREDENTIAL_REFUSE) ||
	    root->mode_inline != BAILIFF_MODE_ENFORCE ||
	    root->mode_destinations != BAILIFF_MODE_ENFORCE || !w->head.body || w->head.odd)
		return;
	/* a write that took nothing comes again */
	r = refusal_of(w->ssl);
	new.number = r && r->state == REFUSAL_WAITS ? r->number : refusal_number();
	tls_connection_key(&key, w->ssl);
	if (bpf_map_update_elem(&refusals, &key, &new, BPF_ANY)) {
		count(COUNTER_STORAGE_FAILED, 1);
		return;
	}
	host_blank(w, w->head.read, w->total);
	host_blank(w, w->head.key_from, w->head.key_to);
	host_blank(w, w->head.accept_from, w->head.accept_to);
	if (w->failed)
		count(COUNTER_UNREADABLE, 1);
	else
		said->flags |= SAID_BLANK;
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
	host_silence(w, said, root, key.person);
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
static __always_inline void host_note(struct host_work *w, struct said *said,
				      const struct task_context *t)
{
	struct host_walk walk = {.w = w};
	struct name_value *v = NULL;
	__u32 slot = 0;
	void *names;

	said->ssl = w->ssl;
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

/* A request after one that was refused: what follows that one's answer is a new one, what comes
 * before it may be a part of it that looks like a head. */
static __always_inline void host_after(struct host_work *w, struct said *said)
{
	struct refusal *r;

	if (said->flags & SAID_DENY)
		return;
	r = refusal_of(w->ssl);
	if (!r)
		return;
	if (r->state != REFUSAL_ANSWERED) {
		said->flags |= SAID_DENY;
		said->reason = BAILIFF_REASON_CREDENTIAL;
		return;
	}
	refusal_forget(w->ssl);
}

/* The rest of a request that was refused, or what stands in its place. */
static __always_inline void host_rest(struct host_work *w, struct said *said)
{
	host_blank(w, 0, w->total);
	if (!w->failed)
		return;
	count(COUNTER_UNREADABLE, 1);
	said->flags |= SAID_RESET;
}

static __always_inline void host_read(struct host_work *w)
{
	struct host_walk walk = {.w = w};
	__u32 n = w->total;

	if (n > HEAD_MAX)
		n = HEAD_MAX;
	w->len = n;
	if (n < HEAD_MAX)
		asm volatile("%0 &= 0xfff" : "+r"(n));
	if (!bpf_probe_read_user(w->bytes, n, (void *)w->buffer))
		bpf_loop(HEAD_MAX, host_byte, &walk, 0);
	else
		w->head.state = HEAD_BAD;
}

SEC("uprobe")
int BPF_KPROBE(host_write, __u64 ssl, __u64 buffer, __u64 len)
{
	char first[HEAD_METHOD_MAX + 1] = {};
	struct tls_connection_key key;
	struct task_context *t = actor_governed();
	struct host_work *w;
	struct said *s;
	__u32 n = (__u32)len, one = 1;
	bool begun, refused, head;

	uprobe_own_stack(ctx);
	/* SSL_write has an int, and what is negative fails there */
	if (!t || (__s32)n <= 0)
		return 0;
	tls_connection_key(&key, ssl);
	begun = bpf_map_lookup_elem(&host_begun, &key);
	refused = bpf_map_lookup_elem(&refusals, &key);
	if (n >= sizeof(first))
		bpf_probe_read_user(first, sizeof(first), (void *)buffer);
	head = head_begins(first) && !(refused && head_is_http2(first));
	if (begun && !refused && !head)
		return 0;
	if (!begun)
		bpf_map_update_elem(&host_begun, &key, &one, BPF_ANY);
	if (!refused && head_is_http2(first))
		return 0;
	s = bpf_task_storage_get(&said, bpf_get_current_task_btf(), 0,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!s) {
		count(COUNTER_STORAGE_FAILED, 1);
		return 0;
	}
	/* TLS inside TLS through a proxy begins with a handshake: its own SSL_write says the name
	 */
	if (!refused && first[0] == 0x16 && first[1] == 0x03)
		return 0;
	w = host_begin();
	if (!w) {
		host_unread(s, ssl);
		if (refused)
			s->flags |= SAID_RESET;
		return 0;
	}
	w->ssl = ssl;
	w->buffer = buffer;
	w->total = n;
	w->failed = 0;
	if (refused && !head) {
		host_rest(w, s);
	} else {
		host_read(w);
		host_note(w, s, t);
		if (refused)
			host_after(w, s);
	}
	host_end(w);
	return 0;
}

/* The pointer is a new connection. */
SEC("uprobe")
int BPF_KPROBE(host_handshake, __u64 ssl)
{
	struct tls_connection_key key;

	uprobe_own_stack(ctx);
	tls_connection_key(&key, ssl);
	bpf_map_delete_elem(&host_begun, &key);
	/* within the write of a request that is refused it is that connection's own */
	if (!refusal_answered(ssl))
		bpf_map_delete_elem(&refusals, &key);
	return 0;
}
