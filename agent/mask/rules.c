// SPDX-License-Identifier: Apache-2.0
/* Compiles detectors: all anchors into one Hyperscan database, each pattern by PCRE2's compiler to
 * machine code. */
#include "mask/rules.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/scan.h"
#include "mask/shapes.h"
#include "mask/views.h"

#define ERR_SIZE 256
/* A pattern of the company may backtrack without end; one that does fails the scan, which masks the
 * whole text. Built in patterns stay far below. */
#define MATCH_LIMIT 1000000

__attribute__((format(printf, 2, 3))) static int fail(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(err, ERR_SIZE, fmt, ap) < 0)
		err[0] = 0;
	va_end(ap);
	return -EINVAL;
}

static int compile_pattern(struct compiled *c, char *err)
{
	uint32_t groups, empty;
	PCRE2_SIZE offset;
	int code;

	c->code = pcre2_compile((PCRE2_SPTR)c->d.pattern, PCRE2_ZERO_TERMINATED,
				PCRE2_NEVER_UTF | PCRE2_USE_OFFSET_LIMIT, &code, &offset, NULL);
	if (!c->code) {
		PCRE2_UCHAR text[128];

		if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
			text[0] = 0;
		return fail(err, "detector '%s': %s (at character %zu of the pattern)", c->d.name,
			    (const char *)text, offset + 1);
	}
	pcre2_pattern_info(c->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	pcre2_pattern_info(c->code, PCRE2_INFO_MATCHEMPTY, &empty);
	if (empty)
		return fail(err,
			    "detector '%s': the pattern matches an empty text, and so everything",
			    c->d.name);
	c->group = groups ? 1 : 0;
	/* without the compiler (no writable and executable memory) the interpreter does the same */
	(void)pcre2_jit_compile(c->code, PCRE2_JIT_COMPLETE);
	return 0;
}

static unsigned int anchor_flags(const struct compiled *c)
{
	/* A company's pattern is its own anchor. What Hyperscan does not know (look-around, back
	 * references) it then takes as "anything", and PCRE2 decides. */
	if (c->whole_window)
		return HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH;
	return 0;
}

/* The anchors of number detectors, or of all others, as one database; none when there are none. */
static int compile_database(struct mask_rules *r, bool numbers, hs_database_t **ret, char *err)
{
	_cleanup_free_ const char **patterns = calloc(r->n, sizeof(*patterns));
	_cleanup_free_ unsigned int *flags = calloc(r->n, sizeof(*flags));
	_cleanup_free_ unsigned int *ids = calloc(r->n, sizeof(*ids));
	hs_compile_error_t *e = NULL;
	unsigned int n = 0;
	int result;

	if (!patterns || !flags || !ids)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		if (r->all[i].d.number != numbers || !r->all[i].d.anchor)
			continue;
		patterns[n] = r->all[i].d.anchor;
		flags[n] = anchor_flags(&r->all[i]);
		ids[n++] = (unsigned int)i;
	}
	if (!n)
		return 0;
	if (hs_compile_multi(patterns, flags, ids, n, HS_MODE_BLOCK, NULL, ret, &e) != HS_SUCCESS) {
		result = fail(err, "detector '%s': %s",
			      e->expression >= 0 ? r->all[ids[e->expression]].d.name : "(all)",
			      e->message);
		hs_free_compile_error(e);
		return result;
	}
	return hs_alloc_scratch(*ret, &r->scratch) == HS_SUCCESS ? 0 : -ENOMEM;
}

/* How far before the end of its anchor a match may start. */
static int measure_anchor(struct compiled *c, char *err)
{
	hs_compile_error_t *e = NULL;
	hs_expr_info_t *info = NULL;
	int result;

	c->before = SHAPE_BEFORE + c->d.reach;
	if (!c->d.anchor)
		return 0;
	if (hs_expression_info(c->d.anchor, anchor_flags(c), &info, &e) != HS_SUCCESS) {
		result = fail(err, "detector '%s': %s", c->d.name, e->message);
		hs_free_compile_error(e);
		return result;
	}
	if (c->before < info->max_width + c->d.reach)
		c->before = info->max_width + c->d.reach;
	free(info);
	return 0;
}

static int compile_anchors(struct mask_rules *r, char *err)
{
	int result = 0;

	for (size_t i = 0; i < r->n && !result; i++)
		result = measure_anchor(&r->all[i], err);
	for (size_t i = 0; i < r->n; i++) {
		enum number_shape shape = r->all[i].d.shape;

		r->any_number |= r->all[i].d.number;
		if (shape == SHAPE_NONE)
			continue;
		r->any_shape = true;
		assert(r->n_shaped[shape] < SHAPE_DETECTORS); /* the table is our own */
		r->shaped[shape][r->n_shaped[shape]++] = (uint16_t)i;
	}
	if (!result)
		result = compile_database(r, false, &r->db, err);
	if (!result)
		result = compile_database(r, true, &r->numbers, err);
	for (size_t i = 0; i < r->n; i++) /* the caller's patterns need not outlive the call */
		if (r->all[i].whole_window)
			r->all[i].d.pattern = r->all[i].d.anchor = NULL;
	return result;
}

static bool name_is_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && n < 64 && !name[n];
}

static bool name_is_taken(const struct mask_rules *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->all[i].d.name, name) == 0)
			return true;
	return detector_find(name) >= 0;
}

static int add_custom(struct mask_rules *r, const struct mask_custom *custom, char *err)
{
	struct compiled *c = &r->all[r->n];

	if (!custom->name || !name_is_good(custom->name))
		return fail(err, "detector '%.64s': a name has 1 to 63 of a-z, 0-9 and '-'",
			    custom->name ? custom->name : "");
	if (name_is_taken(r, custom->name))
		return fail(err, "detector '%s': there is one of that name already", custom->name);
	if (!custom->pattern || !*custom->pattern)
		return fail(err, "detector '%s': the pattern is empty", custom->name);
	memcpy(c->name, custom->name, strlen(custom->name) + 1);
	c->d = (struct detector){
		.name = c->name,
		.description = "",
		.pattern = custom->pattern,
		.anchor = custom->pattern,
		.validate = valid_any,
		.style = MASK_ALL,
	};
	c->whole_window = true;
	r->n++;
	return compile_pattern(c, err);
}

static int add_builtin(struct mask_rules *r, size_t i, char *err)
{
	struct compiled *c = &r->all[r->n++];

	c->d = *detector_at(i);
	return compile_pattern(c, err);
}

static size_t count_builtin(void)
{
	size_t n = 0;

	while (detector_at(n))
		n++;
	return n;
}

static int add_all(struct mask_rules *r, const struct mask_options *o, char *err)
{
	size_t builtin = count_builtin(), named = 0;
	int ret = 0;

	while (o->detectors && o->detectors[named])
		named++;
	r->all = calloc((o->detectors ? named : builtin) + o->n_custom + 1, sizeof(*r->all));
	if (!r->all)
		return -ENOMEM;
	for (size_t i = 0; !o->detectors && i < builtin && !ret; i++)
		ret = add_builtin(r, i, err);
	for (size_t i = 0; i < named && !ret; i++) {
		int at = detector_find(o->detectors[i]);
		bool twice = false;

		if (at < 0)
			return fail(err, "detector '%.64s': there is none of that name",
				    o->detectors[i]);
		for (size_t k = 0; k < r->n; k++)
			twice |= strcmp(r->all[k].d.name, o->detectors[i]) == 0;
		if (!twice)
			ret = add_builtin(r, (size_t)at, err);
	}
	for (size_t i = 0; i < o->n_custom && !ret; i++)
		ret = add_custom(r, &o->custom[i], err);
	return ret;
}

static int set_key(struct mask_rules *r, const uint8_t key[DIGEST_SIZE])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	r->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	r->mac_ctx = r->mac ? EVP_MAC_CTX_new(r->mac) : NULL;
	return r->mac_ctx && EVP_MAC_init(r->mac_ctx, key, DIGEST_SIZE, params) == 1 ? 0 : -ENOMEM;
}

int rules_digest(const struct mask_rules *rules, const void *bytes, size_t len,
		 uint8_t ret[DIGEST_SIZE])
{
	size_t n = 0;

	/* without a key, init starts again under the key given at first */
	if (EVP_MAC_init(rules->mac_ctx, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(rules->mac_ctx, bytes, len) != 1 ||
	    EVP_MAC_final(rules->mac_ctx, ret, &n, DIGEST_SIZE) != 1)
		return -EIO;
	return 0;
}

static int make_scratch(struct mask_rules *r)
{
	int ret;

	r->match = pcre2_match_data_create(8, NULL);
	r->limits = pcre2_match_context_create(NULL);
	if (!r->match || !r->limits)
		return -ENOMEM;
	r->stack = pcre2_jit_stack_create(32 * 1024, 512 * 1024, NULL);
	if (!r->stack)
		return -ENOMEM;
	pcre2_jit_stack_assign(r->limits, NULL, r->stack);
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	ret = views_new(&r->views);
	if (ret < 0)
		return ret;
	return scan_state_new(r, &r->text_state);
}

static void rules_freep(struct mask_rules **r)
{
	mask_rules_free(*r);
}

int mask_rules_new(const struct mask_options *options, struct mask_rules **ret, char *err)
{
	_cleanup_(rules_freep) struct mask_rules *r = calloc(1, sizeof(*r));
	int result;

	err[0] = 0;
	if (!r)
		return -ENOMEM;
	result = add_all(r, options, err);
	if (result < 0)
		return result;
	if (r->n) {
		result = compile_anchors(r, err);
		if (result < 0)
			return result;
	}
	result = set_key(r, options->key);
	if (result < 0)
		return result;
	result = make_scratch(r);
	if (result < 0)
		return result;
	/* compiling takes four times the memory of what is compiled: give it back */
	malloc_trim(0);
	*ret = TAKE_PTR(r);
	return 0;
}

void mask_rules_free(struct mask_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->n; i++)
		pcre2_code_free(rules->all[i].code);
	free(rules->all);
	hs_free_scratch(rules->scratch);
	hs_free_database(rules->db);
	hs_free_database(rules->numbers);
	pcre2_match_data_free(rules->match);
	pcre2_match_context_free(rules->limits);
	pcre2_jit_stack_free(rules->stack);
	EVP_MAC_CTX_free(rules->mac_ctx);
	EVP_MAC_free(rules->mac);
	free(rules->candidates);
	views_free(rules->views);
	scan_state_free(rules->text_state);
	free(rules);
}
