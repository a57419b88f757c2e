/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the inline scanner share: a compiled table, a text scanned in pieces, values.
 */
#ifndef SCAN_FIXTURE_H
#define SCAN_FIXTURE_H

#include "policy/automaton.h"
#include "test_mask_values.h"

/* Values in every form that a detector of the data path knows; see test_mask_values.h. */
static const struct recipe scan_recipes[] = {
	{"us-ssn", "", "1{1:2}-{1:2}-{1:4}", "", NULL, false},
	{"us-ssn", "", "00{1:1}-0{1:1}-000{1:1}", "", NULL, false},
	{"us-ssn", "", "66{1:1}-{1:1}0-0{1:3}", "", valid_us_ssn, false},
	{"payment-card", "", "4{d:15}", "", valid_card, false},
	{"payment-card", "", "5{d:3} {d:4} {d:4} {d:4}", "", valid_card, false},
	{"payment-card", "", "2{d:3}-{d:4}-{d:4}-{d:4}", "", valid_card, false},
	{"payment-card", "", "37{d:2}-{d:6}-{d:5}", "", valid_card, false},
	{"payment-card", "", "34{d:13}", "", valid_card, false},
	{"payment-card", "", "6011{d:12}", "", valid_card, false},
	{"payment-card", "", "3530 {d:4} {d:4} {d:4}", "", valid_card, false},
	{"payment-card", "", "62{d:17}", "", valid_card, false},
	{"payment-card", "", "4{d:3} {d:4} {d:4} {d:4} {d:3}", "", valid_card, false},
	{"payment-card", "", "36{d:2} {d:6} {d:4}", "", valid_card, false},
	{"iban", "", "DE{d:2} {d:4} {d:4} {d:4} {d:4} {d:2}", "", valid_iban, false},
	{"iban", "", "GB{d:2}{u:4}{d:14}", "", valid_iban, false},
	{"iban", "", "NO{d:2} {d:4} {d:4} {d:3}", "", valid_iban, false},
	{"iban", "", "AT{d:2} {d:4} {d:4} {d:4} {d:4}", "", valid_iban, false},
	{"iban", "", "MT{d:2}{u:4}{d:23}", "", valid_iban, false},
	{"email", "", "{l:6}.{w:3}@{l:8}.com", "", NULL, false},
	{"email", "", "{l:3}+{l:4}@mail.{l:5}.co.uk", "", NULL, false},
	{"email", "", "{l:1}@{l:1}.io", "", NULL, false},
	{"email", "", "{l:30}_{d:20}%{l:12}@{l:20}-{l:9}.museum", "", NULL, false},
	{"phone", "", "+49 {1:2} {d:7}", "", NULL, false},
	{"phone", "", "+1 ({1:3}) {1:3}-{d:4}", "", NULL, false},
	{"phone", "", "+1({1:3}){1:3}-{d:4}", "", NULL, false},
	{"phone", "", "+1-{1:3}-{1:3}-{d:4}", "", NULL, false},
	{"phone", "", "+33 1 {d:2} {d:2} {d:2} {d:2}", "", NULL, false},
	{"phone", "", "+4479{d:8}", "", NULL, false},
	{"aws-access-key-id", "", "AKIA{b:16}", "", NULL, false},
	{"aws-access-key-id", "", "ASIA{b:16}", "", NULL, false},
	{"github-token", "", "ghp_{w:30}", "", NULL, true},
	{"github-token", "", "ghs_{w:80}", "", NULL, false},
	{"github-fine-grained-token", "", "github_pat_{w:22}_{w:59}", "", NULL, false},
	{"gitlab-token", "", "glpat-{m:20}", "", NULL, false},
	{"gitlab-token", "", "glagent-{m:50}", "", NULL, false},
	{"slack-token", "", "xoxb-{d:12}-{d:12}-{w:24}", "", NULL, false},
	{"slack-token", "", "xoxe.xoxp-1-{w:160}", "", NULL, false},
	{"stripe-key", "", "sk_live_{w:24}", "", NULL, false},
	{"stripe-key", "", "rk_test_{w:99}", "", NULL, false},
	{"stripe-key", "", "whsec_{w:32}", "", NULL, false},
	{"google-api-key", "", "AIza{m:35}", "", NULL, false},
	{"anthropic-key", "", "sk-ant-api03-{m:93}AA", "", NULL, false},
	{"anthropic-key", "", "sk-ant-oat01-{m:90}", "", NULL, false},
	{"openai-key", "", "sk-proj-{m:120}", "", NULL, false},
	{"openai-key", "", "sk-{w:20}T3BlbkFJ{w:20}", "", NULL, false},
	{"npm-token", "", "npm_{w:30}", "", NULL, true},
	{"pypi-token", "", "pypi-AgEIcHlwaS5vcmc{m:120}", "", NULL, false},
	{"sendgrid-key", "", "SG.{m:22}.{m:43}", "", NULL, false},
	{"huggingface-token", "", "hf_{l:34}", "", NULL, false},
	{"huggingface-token", "", "api_org_{l:34}", "", NULL, false},
	{"jwt", "", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{m:60}.{m:43}", "", NULL, false},
	{"jwt", "", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..{m:16}.{m:40}.{m:22}", "", NULL,
	 false},
	{"pem-private-key", "",
	 "-----BEGIN RSA PRIVATE KEY-----\n{x:64}\n{x:40}\n-----END RSA PRIVATE KEY-----", "", NULL,
	 false},
	{"pem-private-key", "",
	 "-----BEGIN PRIVATE KEY-----\\n{x:64}\\n{x:30}==\\n-----END PRIVATE KEY-----", "", NULL,
	 false},
	{"pem-private-key", "",
	 "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{h:32}\n\n"
	 "{x:64}\n-----END EC PRIVATE KEY-----",
	 "", NULL, false},
	{"pem-private-key", "", "-----BEGIN OPENSSH PRIVATE KEY-----\r\n{x:70}\r\n{x:70}", "", NULL,
	 false},
};

#define SCAN_TEXT_MAX 4096

struct scan_found {
	size_t at;		       /* of the buffer that is being scanned */
	uint8_t masked[SCAN_TEXT_MAX]; /* by byte of the text */
	struct scan_span span[SCAN_TEXT_MAX];
	size_t n;
	uint32_t dropped;
};

static inline void scan_found_take(void *ctx, const struct scan_span *s)
{
	struct scan_found *f = ctx;

	for (size_t i = s->start; i < s->end; i++)
		f->masked[f->at + i] = 1;
	f->span[f->n++] = *s;
}

/* Scans a text in buffers of `first` bytes and then of `size`. */
static inline void scan_pieces(const struct scan_table *table, const char *text, size_t len,
			       size_t first, size_t size, struct scan_found *ret)
{
	struct scan_state state = {0};
	uint8_t buffer[SCAN_BUFFER];

	memset(ret, 0, sizeof(*ret));
	for (size_t next = first; ret->at < len; next = size) {
		if (next > len - ret->at)
			next = len - ret->at;
		memcpy(buffer, text + ret->at, next);
		ret->dropped +=
			scan_bytes(table, &state, buffer, (__u32)next, ret, scan_found_take);
		ret->at += next;
	}
}

#endif
