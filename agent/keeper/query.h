/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper answers on its socket /run/bailiff/query.sock (SOCK_SEQPACKET, one JSON object a
 * message, at most QUERY_MAX bytes). Who asks is what SO_PEERCRED says, never what the message
 *says.
 *
 *   {"ask":"why"}            anybody: the latest denials of the asking uid, newest first, at most
 *   {"ask":"why","number":N}  `limit` (default 1); root may add "person":"alice@company.com"
 *   {"ask":"why","block":"B17"}  that one by the number that the client was told
 *	-> {"ok":true,"person":"…"|null,"denials":[{"number":N (sequence of the event),"time":ms,
 *	    "verdict":"denied"|"would_deny","what":"skill pdf"|"connection to 10.0.0.7:443",
 *	    "rule":"skill/pdf","sentence":"…one sentence for the person…","contact":"…",
 *	    "block":"B17" (of the data path alone)}]}
 *   {"ask":"status"}         root: -> {"ok":true,"version":"…","uptime_ms":…,"watching":true,
 *	    "policy":{"version":…,"digest":"…","generation":…,"modes":{"destinations":"enforce",…}},
 *	    "posture":[{"capability":"…","state":"enforce|observe|off","reason":"…"}],
 *	    "clients":[{"pid":…,"person":"…","executable":"…", and as in "images"}],
 *	    "images":[{"image":…,"build_id":"…","inspected":true,"why":"…",
 *	    "proof":"proven|open|disproved|none"}],  (files of clients; none: nothing to prove)
 *	    "counters":{"denied":…,…},"inline":[{"detector":"us-ssn","let_through":…,"masked":…,
 *	    "blocked":…}] (values since the keeper
 *started),"log":{"size":…,"directory":"…","checkpoint_ms":…},
 *	    "processes":{"keeper":pid,"reader":pid,"courier":pid},"names":[{"name":"…","addresses":[…],
 *	    "age_ms":…}],"terminals":{"told":…,"held_back":…,"unreachable":…}}
 *   {"ask":"reload"}         root: load the policy directory again -> {"ok":true,"generation":…} or
 *	    {"ok":false,"error":"…","report":["file:line:column: …"]}
 *   {"ask":"detach"}         root: log it, remove every pin, end -> {"ok":true}
 *
 * Errors: {"ok":false,"error":"one sentence"}. */
#ifndef KEEPER_QUERY_H
#define KEEPER_QUERY_H

#define QUERY_SOCKET "/run/bailiff/query.sock"
#define QUERY_MAX    131072

#endif
