// SPDX-License-Identifier: Apache-2.0
/* Traffic that was recorded between the real client and the stand-in API, record by record: with
 * values of every detector in the place of what was said, and cut everywhere around them, no value
 * comes out whole, and nothing else is changed. See tests/corpus/recorded. */
#include "recording_cut.h"

#include <ctype.h>
#include <glob.h>

#include "mask/mask.h"
#include "scan_fixture.h"

#define RANDOM_CUTS    200
#define AROUND	       8   /* bytes beside a value that are cut at, too */
#define JSON_EVERY     256 /* cuts; a value with an escape in it: JSON_OFTEN */
#define JSON_OFTEN     32
#define JSON_RANDOM    4
#define VALUE_MAX      512 /* with escapes */
#define TRIES	       400
#define RECORDINGS_MAX 16
/* A UUID ends in 446655440000, which is what a card's number may begin with; its record ends in the
 * middle of it, and what is open there is masked. It is in two deltas. */
#define FALSE_MASKS 2

static struct scan_table *table;
static struct gen drawn = {.seed = 20211};
static unsigned long n_planted, n_cuts;
static size_t commits[SCAN_DETECTORS_MAX];

static size_t detector_of(const char *name)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return i;
	fail_msg("no detector %s", name);
	return 0;
}

static void set_up(void)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	call = calloc(1, sizeof(*call));
	assert_non_null(call);
	assert_int_equal(automaton_compile(list, n, SCAN_STATES_MAX, 1, &table, &report), 0);
	call->table = table;
	for (size_t i = 0; i < n; i++)
		commits[i] = automaton_commit(&list[i]);
}

/* All of them, masked as they were recorded. */
struct corpus {
	struct recording r[RECORDINGS_MAX];
	size_t n;
};

static void corpus_open(struct corpus *c)
{
	glob_t found = {0};

	set_up();
	assert_int_equal(glob("tests/corpus/recorded/*.records.zst", 0, NULL, &found), 0);
	c->n = found.gl_pathc;
	assert_true(c->n >= 4 && c->n <= RECORDINGS_MAX);
	for (size_t i = 0; i < c->n; i++) {
		recording_open(&c->r[i], found.gl_pathv[i]);
		recording_mask(&c->r[i], call);
	}
	globfree(&found);
}

static void corpus_close(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++)
		recording_free(&c->r[i]);
	free(table);
	free(call);
}

/* ---- planting ----------------------------------------------------------------------------------
 */

/* A value, and where its bytes lie in a direction: one behind the other as text, not as bytes. */
struct planting {
	struct recording *r;
	int way;
	size_t detector;
	char value[VALUE_MAX];
	size_t len;
	size_t place[VALUE_MAX + 64]; /* of the text that is replaced, a byte before it and more */
	size_t n_places;
	size_t at[VALUE_MAX]; /* of each character of the value and what is behind, in place[] */
	uint8_t was[VALUE_MAX + 64];
	bool escaped;
	bool is_signed; /* in what must not be touched */
};

/* How a character is written there. twice: JSON in JSON. */
static size_t written(char c, bool twice, char *ret)
{
	size_t n = 0;

	if (c != '\n' && c != '\r' && c != '"' && c != '\\') {
		ret[0] = c;
		return 1;
	}
	ret[n++] = '\\';
	if (twice)
		ret[n++] = '\\';
	if (twice && (c == '"' || c == '\\'))
		ret[n++] = '\\';
	ret[n++] = c == '\n' ? 'n' : c == '\r' ? 'r' : c;
	return n;
}

/* Bytes of text from `at` on, of one kind and one text. */
static void find_places(struct planting *p, size_t at, size_t want)
{
	const struct byte_said *said = p->r->said[p->way];
	uint8_t kind = said[at].kind;

	p->n_places = 0;
	for (size_t i = at; i < p->r->len[p->way]; i++) {
		if (said[i].split || (i != at && said[i].begins))
			return;
		if (!said[i].kind)
			continue;
		if (said[i].kind != kind)
			return;
		/* up to where a character begins: the end of an escape would stay */
		if (p->n_places > want && said[i].starts)
			return;
		if (p->n_places == ARRAY_SIZE(p->place))
			break;
		p->place[p->n_places++] = i;
	}
	p->n_places = 0;
}

/* What thinking or a signature says from `at` on: no text to the machine, so found by its key. */
static void find_signed(struct planting *p, size_t at, size_t want, const char *key)
{
	const uint8_t *bytes = p->r->bytes[p->way], *from = bytes + at, *end;

	p->n_places = 0;
	for (; p->n_places <= want; from = end) {
		from = memmem(from, (size_t)(bytes + p->r->len[p->way] - from), key, strlen(key));
		if (!from)
			break;
		for (end = from + strlen(key); *end != '"'; end++) {
			if (*end == '\\' || p->n_places == ARRAY_SIZE(p->place)) {
				p->n_places = 0;
				return;
			}
			p->place[p->n_places++] = (size_t)(end - bytes);
			if (p->n_places > want)
				return;
		}
	}
	p->n_places = 0;
}

/* Nothing was masked there or near it. */
static bool was_clear(const struct planting *p)
{
	size_t from = p->place[0], to = p->place[p->n_places - 1];

	from = from > 64 ? from - 64 : 0;
	to = to + 64 < p->r->len[p->way] ? to + 64 : p->r->len[p->way];
	return memcmp(p->r->bytes[p->way] + from, p->r->masked[p->way] + from, to - from) == 0;
}

/* Writes the value there, free on both sides. Returns 0 when an escape does not fit. */
static int plant(struct planting *p)
{
	const struct recording *r = p->r;
	uint8_t *bytes = r->bytes[p->way];
	bool twice = p->way == RECEIVED && r->said[p->way][p->place[0]].kind == CONTENT_INPUT;
	size_t to = 1;
	char c[4];

	p->escaped = false;
	for (size_t i = 0; i < p->len; i++) {
		size_t n = written(p->value[i], twice, c);

		if (to + n >= p->n_places || p->place[to + n - 1] != p->place[to] + n - 1)
			return 0;
		p->escaped |= n > 1;
		p->at[i] = to;
		to += n;
	}
	p->at[p->len] = to;
	for (size_t i = 0; i < p->n_places; i++) {
		p->was[i] = bytes[p->place[i]];
		bytes[p->place[i]] = ' ';
	}
	for (size_t i = 0; i < p->len; i++) {
		size_t n = written(p->value[i], twice, c);

		memcpy(bytes + p->place[p->at[i]], c, n);
	}
	return 1;
}

static void unplant(struct planting *p)
{
	for (size_t i = 0; i < p->n_places; i++)
		p->r->bytes[p->way][p->place[i]] = p->was[i];
}

/* The value is masked from its commit point on at the latest; the blanks around it are not. */
static void check_value(const struct planting *p, const struct stretch *s, const uint8_t *out,
			size_t cut)
{
	const struct inline_detector *d = &inline_detectors(&(size_t){0})[p->detector];
	const uint8_t *bytes = p->r->bytes[p->way];
	size_t clear = p->len, commit = commits[p->detector], behind = p->at[p->len];

	for (size_t i = 0; i < p->n_places; i++)
		if ((i < p->at[0] || i >= behind) && out[p->place[i] - s->from] != ' ')
			fail_msg("%s: %s (%s), cut at %zu: a blank beside it was changed",
				 p->r->name, d->name, p->value, cut);
	for (size_t i = 0; i < p->len; i++) {
		bool masked = false;

		for (size_t k = p->at[i]; k < p->at[i + 1]; k++)
			masked |= out[p->place[k] - s->from] != bytes[p->place[k]];
		if (masked && clear == p->len)
			clear = i;
		if (!masked && clear < i && isalnum((unsigned char)p->value[i]))
			fail_msg("%s: %s (%s), cut at %zu: byte %zu is clear behind the mask",
				 p->r->name, d->name, p->value, cut, i);
	}
	if (clear == p->len)
		fail_msg("%s: %s (%s), cut at %zu: it came out whole", p->r->name, d->name,
			 p->value, cut);
	/* separators stay */
	while (clear && !isalnum((unsigned char)p->value[clear - 1]))
		clear--;
	if (clear >= commit)
		fail_msg("%s: %s (%s), cut at %zu: %zu bytes are clear, commit point %zu",
			 p->r->name, d->name, p->value, cut, clear, commit);
}

/* In [from, to) nothing but the value is other than `want`; of what is signed, the value neither.
 */
static void check_beside(const struct planting *p, const struct stretch *s, const uint8_t *out,
			 const uint8_t *want, size_t from, size_t to, size_t cut)
{
	size_t k = 0;

	for (size_t i = from; i < to; i++) {
		while (k < p->n_places && p->place[k] < i)
			k++;
		if (k < p->n_places && p->place[k] == i && !(p->is_signed && cut))
			continue;
		if (out[i - s->from] != want[i - s->from])
			fail_msg("%s: %s, cut at %zu: byte %zu beside it was changed", p->r->name,
				 p->value, cut, i);
	}
}

static size_t end_of(const struct recording *r, int way, size_t piece)
{
	return piece < r->n ? r->pieces[piece].at : r->len[way];
}

/* Cuts at every byte around what was planted. */
static void cut_planted(struct planting *p)
{
	struct recording *r = p->r;
	size_t first = p->place[0], last = p->place[p->n_places - 1], i, tried = 0;
	size_t every = p->escaped ? JSON_OFTEN : JSON_EVERY;
	_cleanup_free_ uint8_t *out = NULL;
	struct stretch s;

	stretch_open(&s, r, p->way, first, last);
	check_beside(p, &s, s.want, r->masked[p->way] + s.from, s.from, end_of(r, p->way, s.end),
		     0);
	for (size_t k = 0; p->is_signed && k < p->n_places; k++)
		assert_int_equal(s.want[p->place[k] - s.from], r->bytes[p->way][p->place[k]]);
	if (!p->is_signed)
		check_value(p, &s, s.want, 0);
	message_is_valid(&s, first, s.want);
	out = malloc(r->len[p->way] - s.from);
	assert_non_null(out);
	memcpy(out, s.want, r->len[p->way] - s.from);
	first = first > s.from + AROUND ? first - AROUND : s.from + 1;
	last = last + AROUND < r->len[p->way] ? last + AROUND : r->len[p->way] - 1;
	i = s.first;
	for (size_t cut = first; cut <= last; cut++) {
		size_t from, to;

		if (cut >= r->pieces[i].at + r->pieces[i].len)
			i = r->pieces[i].next;
		from = r->pieces[i].at;
		if (cut == from)
			continue;
		to = end_of(r, p->way, stretch_run(&s, i, out, cut, 0));
		check_beside(p, &s, out, s.want, from, to, cut);
		if (!p->is_signed)
			check_value(p, &s, out, cut);
		if (tried++ % every == 0)
			message_is_valid(&s, cut, out);
		memcpy(out + (from - s.from), s.want + (from - s.from), to - from);
		n_cuts++;
	}
	stretch_close(&s);
	n_planted++;
}

/* ---- the cases ---------------------------------------------------------------------------------
 */

/* Draws a value, and a place for it: text of that kind of that direction. */
static bool put_value(struct planting *p, const struct recipe *recipe, uint8_t kind)
{
	const struct byte_said *said = p->r->said[p->way];
	char escape[4];
	size_t room;

	p->detector = detector_of(recipe->detector);
	drawn.out = p->value;
	drawn.cap = sizeof(p->value);
	drawn.len = 0;
	draw_value(&drawn, recipe);
	p->len = room = drawn.len;
	for (size_t i = 0; i < p->len; i++)
		room += written(p->value[i], true, escape) - 1;
	for (int tries = 0; tries < TRIES; tries++) {
		size_t at = gen_below(&drawn, (unsigned int)p->r->len[p->way]);

		/* a place that is not found by chance at once: the next one */
		while (at < p->r->len[p->way] && (said[at].kind != kind || !said[at].starts ||
						  !(said[at].flags & CONTENT_BODY)))
			at++;
		if (at == p->r->len[p->way])
			continue;
		find_places(p, at, room + 2);
		if (p->n_places && was_clear(p) && plant(p))
			return true;
	}
	return false;
}

/* Once in text of that kind, in the recordings in turn: in one where there is room for it. */
static bool plant_value(struct corpus *c, const struct recipe *recipe, size_t first, int way,
			uint8_t kind)
{
	for (size_t i = 0; i < c->n; i++) {
		struct planting p = {.r = &c->r[(first + i) % c->n], .way = way};

		if (!put_value(&p, recipe, kind))
			continue;
		cut_planted(&p);
		unplant(&p);
		return true;
	}
	return false;
}

static void test_planted(void **state)
{
	static const struct {
		int way;
		uint8_t kind;
	} kinds[] = {{SENT, CONTENT_REQUEST},
		     {SENT, CONTENT_INPUT},
		     {RECEIVED, CONTENT_TEXT},
		     {RECEIVED, CONTENT_INPUT}};
	unsigned long planted[ARRAY_SIZE(kinds)] = {0};
	struct corpus c;
	size_t n = 0;

	(void)state;
	corpus_open(&c);
	for (size_t i = 0; i < ARRAY_SIZE(scan_recipes); i++) {
		/* one that has no end: what follows it is masked, too */
		if (strstr(scan_recipes[i].value, "OPENSSH"))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			planted[k] += plant_value(&c, &scan_recipes[i], i + k, kinds[k].way,
						  kinds[k].kind);
		n++;
	}
	print_message("%lu values in requests, %lu in a tool's input there, %lu in text, %lu in a "
		      "tool's input: %lu cuts, %lu texts of JSON parsed\n",
		      planted[0], planted[1], planted[2], planted[3], n_cuts, n_json);
	/* a tool's input is short: the longest ones do not fit everywhere */
	assert_int_equal(planted[0], n);
	assert_int_equal(planted[2], n);
	assert_true(planted[1] > n / 2 && planted[3] > n / 2);
	assert_true(n_cuts > 10000);
	corpus_close(&c);
}

/* Values in thinking and in signatures, which come back as they were or are refused: untouched,
 * however they are cut. */
static void test_signed(void **state)
{
	static const char *const keys[] = {"\"thinking\":\"", "\"signature\":\""};
	unsigned long planted[2] = {0};
	struct corpus c;

	(void)state;
	corpus_open(&c);
	for (size_t i = 0; i < c.n * 2 * ARRAY_SIZE(keys); i++) {
		int way = (int)(i / ARRAY_SIZE(keys) % 2);
		struct planting p = {
			.r = &c.r[i / 2 / ARRAY_SIZE(keys)], .way = way, .is_signed = true};
		size_t at = gen_below(&drawn, (unsigned int)p.r->len[way] / 2 + 1);

		p.len = (size_t)snprintf(p.value, sizeof(p.value), "123-45-6789");
		find_signed(&p, at, p.len + 2, keys[i % ARRAY_SIZE(keys)]);
		if (!p.n_places)
			continue;
		assert_int_equal(p.r->said[way][p.place[0]].kind, CONTENT_NONE);
		assert_int_equal(plant(&p), 1);
		cut_planted(&p);
		unplant(&p);
		planted[way]++;
	}
	assert_true(planted[SENT] >= 2 && planted[RECEIVED] >= 4);
	corpus_close(&c);
}

/* ---- nothing planted ---------------------------------------------------------------------------
 */

struct false_rows {
	unsigned long bytes, text, masked, unsure, cuts, cut_unsure;
	struct mask_rules *rules;
};

/* Stretches of bytes that differ; those of them that the masker before the log, which can look
 * longer, knows of nothing in: with what stands around them, in which no escape counts. */
static unsigned long false_masks(const struct false_rows *rows, const struct recording *r, int way,
				 const uint8_t *was, const uint8_t *is, size_t from, size_t to,
				 unsigned long *ret_all)
{
	enum { BESIDE = 80 };
	const uint8_t *bytes = r->bytes[way];
	unsigned long unsure = 0;

	for (size_t i = from; i < to; i++) {
		size_t begin = i, low, high;
		struct masked *m = NULL;
		bool known = false;

		if (was[i - from] == is[i - from])
			continue;
		/* separators stay: one stretch up to where text is as it was */
		for (size_t same = 0; i < to && same < 4; i++)
			same = was[i - from] == is[i - from] ? same + 1 : 0;
		low = begin > BESIDE ? begin - BESIDE : 0;
		high = i + BESIDE < r->len[way] ? i + BESIDE : r->len[way];
		assert_int_equal(mask_text(rows->rules, (const char *)bytes + low, high - low, &m),
				 0);
		for (size_t k = 0; k < masked_n_findings(m); k++) {
			const struct mask_finding *f = masked_finding(m, k);

			known |= low + f->offset < i && low + f->offset + f->len > begin;
		}
		masked_free(m);
		++*ret_all;
		if (known)
			continue;
		unsure++;
		fprintf(stderr, "%s, %s, byte %zu: [%.*s]\n", r->name,
			way == SENT ? "sent" : "received", begin, (int)(high - low), bytes + low);
	}
	return unsure;
}

static void as_recorded(struct recording *r, struct false_rows *rows)
{
	for (int way = SENT; way <= RECEIVED; way++) {
		struct stretch s;
		uint8_t *out;

		if (!r->len[way])
			continue;
		rows->bytes += r->len[way];
		for (size_t i = 0; i < r->len[way]; i++) {
			rows->text += r->said[way][i].kind != CONTENT_NONE;
			/* only text is ever changed */
			if (r->said[way][i].kind == CONTENT_NONE && !r->said[way][i].split)
				assert_int_equal(r->masked[way][i], r->bytes[way][i]);
		}
		rows->unsure += false_masks(rows, r, way, r->bytes[way], r->masked[way], 0,
					    r->len[way], &rows->masked);
		stretch_open(&s, r, way, 0, 0);
		out = malloc(r->len[way]);
		assert_non_null(out);
		memcpy(out, s.want, r->len[way]);
		for (int n = 0; n < RANDOM_CUTS; n++) {
			size_t cut = 1 + gen_below(&drawn, (unsigned int)r->len[way] - 1);
			size_t i = piece_of(r, way, cut), from = r->pieces[i].at, to;
			unsigned long more = 0;

			to = end_of(r, way, stretch_run(&s, i, out, cut, 0));
			rows->cuts++;
			rows->cut_unsure += false_masks(rows, r, way, s.want + from, out + from,
							from, to, &more);
			if (n % JSON_RANDOM == 0)
				message_is_valid(&s, cut, out);
			memcpy(out + from, s.want + from, to - from);
		}
		free(out);
		stretch_close(&s);
	}
}

static void test_as_recorded(void **state)
{
	struct false_rows rows = {0};
	struct corpus c;
	char err[256];

	(void)state;
	corpus_open(&c);
	assert_int_equal(mask_rules_new(&(struct mask_options){0}, &rows.rules, err), 0);
	for (size_t i = 0; i < c.n; i++)
		as_recorded(&c.r[i], &rows);
	mask_rules_free(rows.rules);
	print_message("%lu bytes, %lu of text: %lu masks, %lu false; %lu cuts: %lu false\n",
		      rows.bytes, rows.text, rows.masked, rows.unsure, rows.cuts, rows.cut_unsure);
	assert_int_equal(rows.unsure, FALSE_MASKS);
	assert_int_equal(rows.cut_unsure, 0);
	corpus_close(&c);
}

UNIT_MAIN(unit(test_planted), unit(test_signed), unit(test_as_recorded))
