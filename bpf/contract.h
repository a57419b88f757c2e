/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What kernel programs and user space share: map keys, map values, ring records. Fixed width,
 * padded by name, asserted. A change of any layout raises CONTRACT_VERSION, which names the pin
 * directory. */
#ifndef BAILIFF_CONTRACT_H
#define BAILIFF_CONTRACT_H

#ifndef __VMLINUX_H__
#include <assert.h>
#include <linux/types.h>
#define CONTRACT_ASSERT(cond, text) static_assert(cond, text)
#else
#define CONTRACT_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

#define CONTRACT_VERSION 4

/* ---- what policy wants, what was decided ------------------------------------------------------
 */

enum bailiff_mode {
	BAILIFF_MODE_RECORD, /* see only */
	BAILIFF_MODE_SHADOW, /* say what would be denied */
	BAILIFF_MODE_ENFORCE,
	BAILIFF_MODE_MAX,
};

enum bailiff_verdict {
	BAILIFF_ALLOW,
	BAILIFF_DENY,
	BAILIFF_WOULD_DENY, /* shadow: let through, and said so */
	BAILIFF_VERDICT_MAX,
};

/* Why. Each has one sentence for people in agent/decide/reason.c; the order is part of the
 * contract. */
enum bailiff_reason {
	BAILIFF_REASON_NONE,
	BAILIFF_REASON_RULE,	      /* an allow or deny rule of the policy */
	BAILIFF_REASON_DEFAULT,	      /* no rule matched, the default decided */
	BAILIFF_REASON_NOT_INSPECTED, /* model API, and this is not an inspected Claude process */
	BAILIFF_REASON_FAMILY,	      /* address family that is not known */
	BAILIFF_REASON_MALFORMED,     /* address too short, or unreadable */
	BAILIFF_REASON_NO_POLICY,     /* a table or entry that must be there is not */
	BAILIFF_REASON_SKILL_NOT_LISTED,  /* skill not in the ACL, and its default is deny */
	BAILIFF_REASON_SKILL_NOT_ALLOWED, /* skill listed, person not among its users and teams */
	BAILIFF_REASON_APPROVAL,	  /* allowed after approval, and there is none */
	BAILIFF_REASON_UNKNOWN_PERSON,	  /* nobody in the directory has this login */
	BAILIFF_REASON_NAME_TOO_LONG,	  /* skill name over SKILL_NAME_SIZE - 1 bytes */
	BAILIFF_REASON_SOCKET_TYPE, /* socket family, type or protocol that is not on the list */
	BAILIFF_REASON_RESOLVER,    /* DNS or DoT to somebody who is no configured resolver */
	BAILIFF_REASON_QUERY,	    /* a DNS question that policy does not let out */
	BAILIFF_REASON_HOST,	    /* the request's Host is not the name that opened the address */
	BAILIFF_REASON_LISTEN,	    /* listening where others than this host can connect */
	BAILIFF_REASON_LOCAL,	    /* local socket of a process outside, and not listed */
	BAILIFF_REASON_DESCRIPTOR,  /* a socket handed over from outside */
	BAILIFF_REASON_TRACE,	    /* reading or steering a process outside the lineage */
	BAILIFF_REASON_NAMESPACE,   /* a user namespace: root over a network of one's own */
	BAILIFF_REASON_DEVICE,	    /* a device that carries packets past the sockets: tun, vhost */
	BAILIFF_REASON_CREDENTIAL,  /* the key on the request is not enrolled for the person */
	BAILIFF_REASON_GUARD,	    /* bailiff's own programs, maps, pins, processes, files */
	BAILIFF_REASON_CONTENT,	    /* a detector found something in the text of a stream */
	BAILIFF_REASON_COMPRESSED,  /* a response that came compressed, and could not be read */
	BAILIFF_REASON_UNREADABLE,  /* a stream, or a part of it, that could not be gone over */
	BAILIFF_REASON_TOOL,	    /* a call of a tool that the person may not use */
	BAILIFF_REASON_CGROUP,	    /* bailiff's cgroup programs do not run for the socket yet */
	BAILIFF_REASON_MAX,
};

/* ---- policy tables: two slots, swapped by one write to `policy_active`
 * --------------------------- */

#define POLICY_SLOTS	2
#define SKILL_NAME_SIZE 64
#define DEST_RULES_MAX	32

#define POLICY_QUERY_REFUSE	 1u   /* questions for names that no rule lists are not sent */
#define POLICY_CREDENTIAL_REPORT 2u   /* a key that is not enrolled: an event */
#define POLICY_CREDENTIAL_REFUSE 4u   /* the same, and the request is made none, or reset */
#define POLICY_GUARD_OFF	 8u   /* bailiff does not guard itself */
#define POLICY_GUARD_ALL	 16u  /* ... against root outside of every lineage too */
#define POLICY_NAMESPACES	 64u  /* user namespaces may be made */
#define POLICY_COMPRESSED_BLOCK	 128u /* a compressed response is made unreadable */
#define POLICY_UNREADABLE_BLOCK	 256u /* a request that cannot be gone over is reset */

#define POLICY_LISTEN_MAX 8
#define POLICY_MODEL_MAX  4

struct port_range {
	__u16 low, high; /* host order, inclusive; high 0: no range */
};

/* One for each slot. */
struct policy_root {
	__u64 generation;	 /* counts up for ever; on every record */
	__u32 mode_destinations; /* enum bailiff_mode */
	__u32 mode_skills;
	__u32 mode_model;    /* "model API only from inspected processes" */
	__u32 skill_default; /* enum bailiff_verdict for skills that are not listed */
	__u32 valid;	     /* 1 once the slot was filled; an empty slot denies governed tasks */
	__u32 flags;	     /* POLICY_* */
	__u32 mode_inline;   /* of what detectors find in streams */
	__u32 inline_kinds;  /* bit (1 << enum content_kind) for each that a detector acts on;
			      * POLICY_INLINE_* */
	__u32 inline_rule;   /* rule of the scan table's detector 0; the others follow */
	__u32 inline_pad;
	__u64 credential_key[2];		     /* of the digests of enrolled credentials */
	struct port_range listen[POLICY_LISTEN_MAX]; /* where others than this host may connect */
	/* all ports of model endpoints: on others nothing is refused to who is not governed */
	struct port_range model[POLICY_MODEL_MAX];
};
CONTRACT_ASSERT(sizeof(struct policy_root) == 64 + 4 * POLICY_LISTEN_MAX + 4 * POLICY_MODEL_MAX,
		"policy_root");

/* login uid (or uid where there is none) -> person. Key: __u32 uid. */
struct person_value {
	__u64 teams;  /* bit per team, in the order of the policy's team table */
	__u32 person; /* index into the policy's person table, from 1; 0 is nobody known */
	__u32 pad;
};
CONTRACT_ASSERT(sizeof(struct person_value) == 16, "person_value");

/* (person, skill name) -> verdict. person 0 holds the answer for everybody who has no entry; a
 * skill that is listed always has it. The name is the key itself: a digest short enough to be cheap
 * could be met on purpose with a chosen directory name. */
struct skill_key {
	__u32 person;
	__u32 pad;
	char name[SKILL_NAME_SIZE]; /* zero-filled */
};
CONTRACT_ASSERT(sizeof(struct skill_key) == 72, "skill_key");

struct skill_value {
	__u32 verdict; /* enum bailiff_verdict */
	__u32 reason;  /* enum bailiff_reason */
	__u32 rule;    /* index into the policy's rule table, from 1 */
	__u32 pad;
};
CONTRACT_ASSERT(sizeof(struct skill_value) == 16, "skill_value");

/* Tools that are not for everybody: (person, name) -> struct skill_value, with person 0 as above. A
 * tool that is not listed is for everybody, so that a collision made on purpose gains nothing. */
struct tool_key {
	__u32 person;
	__u32 pad;
	__u64 name; /* FNV-1a */
};
CONTRACT_ASSERT(sizeof(struct tool_key) == 16, "tool_key");

/* Destinations: longest prefix of the canonical address -> a set of rules. The compiler puts into
 * the set of a prefix the rules of every shorter prefix that covers it, so that one lookup is
 * enough. */
struct dest_key4 {
	__u32 prefix_len; /* bits */
	__u8 address[4];
};
struct dest_key6 {
	__u32 prefix_len;
	__u8 address[16];
};

enum dest_effect {
	DEST_ALLOW,
	DEST_DENY,
	DEST_MODEL,    /* model API: inspected processes only, and nobody else on the host */
	DEST_RESOLVER, /* allow, and DNS answers from there count */
	DEST_EFFECT_MAX,
};

struct dest_rule {
	__u64 teams;		   /* any of these; 0 with person 0: everybody */
	__u32 person;		   /* this person; 0: see teams */
	__u32 rule;		   /* index into the policy's rule table, from 1 */
	__u16 port_low, port_high; /* host order, inclusive */
	__u8 protocol;		   /* IPPROTO_TCP, IPPROTO_UDP, 0 any */
	__u8 effect;		   /* enum dest_effect */
	__u16 pad;
	__u64 pattern; /* the name that leads here (struct name_value), 0: a rule by address */
};
CONTRACT_ASSERT(sizeof(struct dest_rule) == 32, "dest_rule");

struct dest_set {
	__u32 n;
	__u32 pad;
	struct dest_rule rules[DEST_RULES_MAX]; /* deny before model before allow */
};
CONTRACT_ASSERT(sizeof(struct dest_set) == 8 + 32 * DEST_RULES_MAX, "dest_set");

/* Names. A pattern is kept backwards, so that the longest suffix is the longest prefix:
 * "*.example.com" is "moc.elpmaxe." and "example.com" is "moc.elpmaxe" and a zero byte. Lower case,
 * no trailing dot. A name is looked up as itself backwards and a zero byte. 256 bytes are all that
 * an LPM trie takes; a name has at most 253 (RFC 1035). */
#define NAME_SIZE 256

struct name_key {
	__u32 prefix_len; /* bits */
	char name[NAME_SIZE];
};

/* As with addresses, the set of a pattern holds the rules of every shorter pattern that covers it.
 */
struct name_value {
	__u64 pattern; /* first 8 bytes of SHA-256 of the backward form: the same in each generation
			*/
	__u32 set;
	__u32 effects; /* bit per enum dest_effect in the set, and NAME_PRIVATE */
};
CONTRACT_ASSERT(sizeof(struct name_value) == 16, "name_value");

#define NAME_PRIVATE 256u /* an allowed name that may have an address of a private network */

/* pattern -> set, for what was learned before a swap. Key: __u64 pattern. */

/* What DNS answers to a lineage said: key of `learned`. LRU: an entry pushed out denies. */
struct learned_key {
	__u64 root_start_ns;
	__u32 root_tgid;
	__u32 family; /* after canonicalising */
	__u8 address[16];
};
CONTRACT_ASSERT(sizeof(struct learned_key) == 32, "learned_key");

#define LEARNED_NAMES 4 /* of one address; the one that ends first makes room */

struct learned_value {
	struct learned_name {
		__u64 pattern;
		__u64 until_ns; /* CLOCK_BOOTTIME: a changed wall clock keeps nothing alive */
	} names[LEARNED_NAMES];
};
CONTRACT_ASSERT(sizeof(struct learned_value) == 64, "learned_value");

/* Addresses of model endpoints as any process was told by a configured resolver: key of
 * `model_addresses`; value: struct learned_value. It closes and never opens. */
struct model_key {
	__u32 family;
	__u8 address[16];
};

#define NAME_TTL_LEAST_S                                                                           \
	30 /* a name server must not make an address come and go under a client                    \
	    */
#define NAME_TTL_MOST_S 3600

/* Local sockets that governed tasks may use beside those of their own lineage: by the inode that
 * the socket is bound to, which the keeper looks up again when it changes. Value: __u32 rule. */
struct local_key {
	__u64 inode;
	__u32 device;
	__u32 pad;
};
CONTRACT_ASSERT(sizeof(struct local_key) == 16, "local_key");

/* Credentials enrolled for a person: SipHash-2-4-128 of the header's value under the host's key.
 * Value: __u32, the number of it in the policy. */
struct credential_key {
	__u32 person;
	__u32 pad;
	__u64 digest[2];
};
CONTRACT_ASSERT(sizeof(struct credential_key) == 24, "credential_key");

/* ---- processes and files ------------------------------------------------------------- */

/* One content of one file: a write changes ctime, and the entry is no longer found. */
struct image_key {
	__u64 inode;
	__u64 ctime_ns;
	__u64 size;
	__u32 device;
	__u32 generation; /* i_generation: an inode number used again is another file */
};
CONTRACT_ASSERT(sizeof(struct image_key) == 32, "image_key");

enum image_class {
	IMAGE_UNKNOWN, /* not yet looked at */
	IMAGE_OTHER,   /* looked at: not a client, no TLS functions that matter */
	IMAGE_CLIENT,  /* Claude Code by its content */
	IMAGE_RUNTIME, /* Node or Bun: a client when its script is one */
	IMAGE_TLS,     /* a TLS library or a program that holds one */
	IMAGE_CLASS_MAX,
};

#define IMAGE_ATTACHED 1u /* its TLS functions have probes */
#define IMAGE_WANTED   2u /* IMAGE_TLS: asked for by a governed task, attach on the way */

struct image_value {
	__u32 class_; /* enum image_class */
	__u32 flags;
	__u32 id; /* user space's number of it */
	__u32 pad;
};
CONTRACT_ASSERT(sizeof(struct image_value) == 16, "image_value");

#define TASK_GOVERNED 1u /* a client or anything below one */
#define TASK_CLIENT   2u /* runs a client's image right now, by exec, not by mapping one */
/* The keeper's child that one attachment must refuse at one door, whatever the policy: root_tgid is
 * the owner number, uid the enum net_door. Others let it through. */
#define TASK_CANARY	 4u
#define TASK_PENDING_MAX 4

/* Smaller files hold no client: 2.1.x is 11 MB as a script and over 200 MB as a program. */
#define IMAGE_CLIENT_LEAST (4u << 20)

/* Task storage of the thread group leader: set at recognition, copied at task_alloc. */
struct task_context {
	__u32 flags;
	__u32 uid;	     /* who: login uid at recognition, uid where there was none */
	__u32 root_tgid;     /* the client at the head of this lineage */
	__u32 spawn_tgid;    /* the client's child at the head of this branch; 0 in the client */
	__u64 root_start_ns; /* boot time of its start: a pid alone is used again */
	__u64 spawn_start_ns;
	struct image_key image; /* the image this process runs */
	/* images mapped before user space had classified them: looked up again at each decision, so
	 * that what a client did between exec and recognition still counts as governed */
	struct image_key pending[TASK_PENDING_MAX];
	__u32 n_pending;
	__u32 netns; /* of the client at the head, by inode: answers elsewhere are forged */
};
CONTRACT_ASSERT(sizeof(struct task_context) == 32 + 32 + 32 * TASK_PENDING_MAX + 8, "task_context");

#define SOCKET_NAMED	1u  /* open by name alone: the request must confirm it */
#define SOCKET_RESET	2u  /* refused while open: nothing more is sent on it */
#define SOCKET_REPORTED 4u  /* a would-deny of this generation was told */
#define SOCKET_ACCEPTED 8u  /* came in on a listener: judged by where that listens */
#define SOCKET_MODEL	16u /* leads to a model endpoint */

/* Socket storage. */
struct socket_context {
	__u32 flags; /* TASK_* of the task that used it last */
	__u32 uid;
	__u32 tgid;
	__u32 state; /* SOCKET_* */
	__u64 start_ns;
	__u64 root_start_ns; /* whose lineage, as in task_context */
	__u32 root_tgid;
	__u32 netns;  /* of the client at the head, as in task_context */
	__u64 judged; /* generation that let its peer through; 0 never: made before its task was
		       * governed, or handed over */
	__u64 patterns[LEARNED_NAMES]; /* the names that opened the peer's address, 0 none */
	__u32 home; /* the network namespace that the socket itself is in, by inode */
	/* what the first door let through just now, in canonical form, for the second: taken once.
	 * Family 0: nothing */
	__u16 passed_family;
	__u16 passed_port;
	__u8 passed[16];
};
CONTRACT_ASSERT(sizeof(struct socket_context) == 72 + 8 * LEARNED_NAMES, "socket_context");

/* Where a lineage listens for TCP: key of `listeners`. The address as bound, all zero for any; an
 * IPv4 address in IPv6 as IPv4. */
struct listener_key {
	__u32 netns;
	__u16 family;
	__u16 port;
	__u8 address[16];
};
CONTRACT_ASSERT(sizeof(struct listener_key) == 24, "listener_key");

/* Which socket it is, so that an entry whose socket is gone opens nothing: who looks it up looks at
 * the socket too. */
struct listener_value {
	__u64 socket; /* kernel address */
	__u64 cookie; /* never given twice */
	__u64 root_start_ns;
	__u32 root_tgid;
	__u32 pad;
};
CONTRACT_ASSERT(sizeof(struct listener_value) == 32, "listener_value");

/* What the request at SSL_write said, per thread, until its bytes reach a socket. */
#define SAID_HOST  1u /* pattern holds what the Host names; 0: a name that no rule lists */
#define SAID_DENY  2u /* refused whatever the socket is; see reason */
#define SAID_RESET 4u /* what it wrote could not be gone over, or be made another */
#define SAID_BLANK 8u /* with SAID_DENY: nothing of the request is left that could be read */

struct said {
	__u64 pattern;
	__u64 ssl;
	__u32 flags;
	__u32 reason; /* enum bailiff_reason, with SAID_DENY */
	__u32 rule;
	__u32 name_len;
	char name[NAME_SIZE]; /* as written, for the event */
};
CONTRACT_ASSERT(sizeof(struct said) == 32 + NAME_SIZE, "said");

/* ---- ring records -------------------------------------------------------------------- */

enum record_type {
	RECORD_IMAGE = 1, /* ask (ring `asks`): what is this file? struct record_image */
	RECORD_EXEC,	  /* a governed task ran exec: struct record_exec */
	RECORD_EXIT,	  /* a governed process ended: struct record_head alone */
	RECORD_NET,	  /* a destination was judged: struct record_net */
	RECORD_SKILL,	  /* a skill's file was judged: struct record_skill */
	RECORD_TLS_OPEN,  /* handshake on an SSL pointer: struct record_tls, len 0 */
	RECORD_TLS,	  /* plaintext: struct record_tls and its bytes */
	RECORD_NAME,	  /* a name was asked, learned or confirmed: struct record_name */
	RECORD_DOOR,	  /* another way out was judged: struct record_door */
	RECORD_INLINE,	  /* something was found in a stream: struct record_inline */
	RECORD_LEDGER,	  /* more was sent than was said through TLS: struct record_ledger */
	RECORD_TYPE_MAX,
};

/* Who did it, as the kernel knows. */
struct record_actor {
	__u32 tgid, tid;
	__u64 start_ns; /* boot time of the process's start */
	__u64 cgroup;
	__u32 uid;	 /* real uid now */
	__u32 login_uid; /* 4294967295: none */
	__u32 session;	 /* audit session */
	__u32 who_uid;	 /* the uid that decided: task_context.uid */
	__u32 person;	 /* index of the active policy, 0 unknown */
	__u32 flags;	 /* TASK_* */
	__u32 root_tgid, spawn_tgid;
	__u64 root_start_ns, spawn_start_ns;
	char comm[16]; /* for display; decides nothing */
};
CONTRACT_ASSERT(sizeof(struct record_actor) == 88, "record_actor");

struct record_head {
	__u16 version;	  /* CONTRACT_VERSION */
	__u16 type;	  /* enum record_type */
	__u32 size;	  /* of the whole record, used part */
	__u64 time_ns;	  /* CLOCK_BOOTTIME */
	__u64 generation; /* of the policy that judged */
	struct record_actor actor;
};
CONTRACT_ASSERT(sizeof(struct record_head) == 112, "record_head");

#define RECORD_PATH_SIZE 256
#define RECORD_ARGV_SIZE 2048

#define ASK_CLASSIFY 1u /* class unknown */
#define ASK_ATTACH   2u /* class IMAGE_TLS, and a governed task maps it */
#define ASK_SCRIPT   3u /* class IMAGE_RUNTIME was executed: look at its script */
#define ASK_CLIENT   4u /* a client started: note its executable, directory, cgroup */
#define ASK_UNSAID   5u /* a client sends to a model endpoint what it did not say through TLS */
#define ASK_COVER    6u /* a governed task is in a cgroup without bailiff's programs */

struct record_image {
	struct record_head head;
	struct image_key key;
	__u32 ask;     /* ASK_* */
	__u32 by_exec; /* 1: it is the program executed; 0: mapped */
	__u32 netns;   /* of the process, by inode */
	__u32 pad;
	__u64 address; /* where it was mapped, 0 unknown; of ASK_COVER: the cgroup's id */
};

struct record_exec {
	struct record_head head;
	struct image_key key;
	__u32 argv_len;		     /* bytes in argv, zero-separated */
	__u32 truncated;	     /* argv was longer */
	char argv[RECORD_ARGV_SIZE]; /* unmasked */
};

enum net_door {
	NET_DOOR_LSM_CONNECT,
	NET_DOOR_LSM_SENDMSG,
	NET_DOOR_CGROUP_CONNECT4,
	NET_DOOR_CGROUP_CONNECT6,
	NET_DOOR_CGROUP_SENDMSG4,
	NET_DOOR_CGROUP_SENDMSG6,
	NET_DOOR_SOCKET_CREATE,
	NET_DOOR_BIND,
	NET_DOOR_LISTEN,
	NET_DOOR_ACCEPT,
	NET_DOOR_OPEN,	 /* lsm/socket_sendmsg on a connection that stands: judged again */
	NET_DOOR_EGRESS, /* cgroup_skb, the last net */
	NET_DOOR_MAX,
};

struct record_net {
	struct record_head head;
	__u32 verdict, reason, rule;
	__u32 door;
	__u16 family; /* AF_INET or AF_INET6 after canonicalising; the raw family where unknown */
	__u16 port;   /* host order */
	__u16 protocol;
	__u16 socket_type;
	__u8 address[16]; /* canonical: IPv4 in the first four bytes */
};

enum name_event {
	NAME_LEARNED, /* an answer opened an address */
	NAME_REFUSED_QUERY,
	NAME_REFUSED_ANSWER, /* an address that a public name must not have */
	NAME_TRUNCATED,	     /* the answer goes on over TCP, which is not read: nothing learned */
	NAME_HOST,	     /* the Host of a request is not what opened the address */
	NAME_CREDENTIAL,     /* the request's key is not enrolled for the person */
	NAME_SEEN,	     /* an answer for a name that no rule lists: it opens nothing */
	NAME_EVENT_MAX,
};

struct record_name {
	struct record_head head;
	__u32 verdict, reason, rule;
	__u32 event;  /* enum name_event */
	__u16 family; /* of address; 0: none */
	__u16 port;
	__u32 ttl; /* seconds, clamped */
	__u8 address[16];
	__u32 name_len;
	__u32 number;	      /* of a block, as the person is told it in the answer; 0: none */
	char name[NAME_SIZE]; /* as asked or written, not backwards */
};

enum door {
	DOOR_LOCAL_CONNECT, /* unix_stream_connect */
	DOOR_LOCAL_SEND,    /* unix_may_send */
	DOOR_DESCRIPTOR,    /* file_receive */
	DOOR_TRACE,	    /* ptrace_access_check */
	DOOR_NAMESPACE,	    /* userns_create */
	DOOR_DEVICE,	    /* file_open of /dev/net/tun and the like */
	DOOR_BPF,	    /* bpf(2) on what is bailiff's, or by a governed task */
	DOOR_PIN,	    /* unlink, rename, umount, mount over */
	DOOR_SIGNAL,	    /* task_kill */
	DOOR_FILE,	    /* a write to bailiff's own files */
	DOOR_MAX,
};

#define RECORD_DOOR_TARGET 128

struct record_door {
	struct record_head head;
	__u32 verdict, reason, rule;
	__u32 door;	 /* enum door */
	__u32 peer_tgid; /* the process on the other side, 0 unknown */
	__u32 command;	 /* bpf(2) command, signal, ptrace mode */
	__u64 inode;
	__u32 device;
	__u32 target_len;
	char target[RECORD_DOOR_TARGET]; /* socket path or name, comm of the peer, file name */
};

struct record_skill {
	struct record_head head;
	__u32 verdict, reason, rule;
	__u32 path_len;
	struct image_key key; /* the file */
	char name[SKILL_NAME_SIZE];
	char path[RECORD_PATH_SIZE]; /* zero-terminated, cut at the end */
};

#define TLS_DIRECTION_SENT     0
#define TLS_DIRECTION_RECEIVED 1

/* Size classes of the payload: a record reserves the smallest that holds its chunk. */
#define TLS_CHUNK_SMALL	 1024
#define TLS_CHUNK_MEDIUM 4096
#define TLS_CHUNK_LARGE	 16384
#define TLS_CHUNKS_MAX	 64 /* of one call: 1 MiB; more is a gap, seen by its offset */

#define TLS_UNREADABLE 1u /* the buffer could not be read: no bytes follow, the gap is len */

struct record_tls {
	struct record_head head;
	__u64 ssl;    /* pointer: with tgid, start_ns and epoch it names the connection */
	__u64 offset; /* bytes of this direction before this chunk: a jump is a gap */
	__u32 epoch;  /* handshakes seen on this pointer */
	__u32 direction;
	__u32 len; /* bytes that follow (with TLS_UNREADABLE: that are missing) */
	__u32 flags;
	__u8 bytes[];
};
CONTRACT_ASSERT(sizeof(struct record_tls) == 112 + 32, "record_tls");

#include "bpf/contract_inline.h"
#include "bpf/contract_ledger.h"

/* ---- counters: per-CPU array `counters`, one slot each ------------------------------- */

enum bailiff_counter {
	COUNTER_DENIED,
	COUNTER_WOULD_DENY,
	COUNTER_LOST_DENIAL, /* no room in the ring `denials`; the denial was enforced all the same
			      */
	COUNTER_LOST_RECORD, /* no room in the ring `records` */
	COUNTER_LOST_ASK,    /* no room in the ring `asks` */
	COUNTER_LOST_BYTES,  /* plaintext bytes of lost records */
	COUNTER_CAPTURED_BYTES,
	COUNTER_UNREADABLE,	/* buffers that could not be read */
	COUNTER_NESTED,		/* TLS calls nested too deep to follow */
	COUNTER_STORAGE_FAILED, /* task or socket storage could not be had */
	COUNTER_FORKS, /* seen by lsm/task_alloc: the keeper forks and looks whether it is alive */
	COUNTER_PENDING_FULL, /* more unclassified images in one task than are kept */
	COUNTER_NAMES_FULL,   /* model_addresses has no room: an address was not learned */
	COUNTER_ANSWERS,      /* DNS answers that were read */
	COUNTER_ANSWERS_BAD,  /* DNS answers that cannot be read, or look like none */
	COUNTER_MAX,
};

#pragma GCC diagnostic pop
#endif
