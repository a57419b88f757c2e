// SPDX-License-Identifier: Apache-2.0
/* Validators of personal data that knows no country: e-mail, cards, IBAN, phone, dates. */
#include "mask/validators.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

static bool ends_with(const uint8_t *s, size_t n, const char *tail)
{
	size_t k = strlen(tail);

	return n > k && strncasecmp((const char *)s + n - k, tail, k) == 0;
}

size_t valid_email(const uint8_t *s, size_t n)
{
	/* what looks like an address in source trees: image@2x.png, unit@1.service, git@host:path.
	 * None of these endings is a top-level domain. */
	static const char *const not_domains[] = {
		".png", ".jpg",	 ".jpeg",    ".gif",	".svg",	  ".webp",  ".avif",  ".css",
		".js",	".json", ".html",    ".htm",	".yaml",  ".yml",   ".xml",   ".txt",
		".exe", ".dll",	 ".service", ".socket", ".timer", ".mount", ".slice", ".target",
	};

	if (n > 4 && memcmp(s, "git@", 4) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(not_domains); i++)
		if (ends_with(s, n, not_domains[i]))
			return 0;
	return n;
}

/* Issuer ranges and their lengths; from the lists of the card schemes. */
static const struct card_range {
	uint16_t low, high; /* of the first four digits */
	uint8_t min, max;   /* digits */
} card_ranges[] = {
	{2200, 2204, 16, 19}, /* Mir */
	{2221, 2720, 16, 16}, /* Mastercard */
	{3000, 3059, 14, 19}, /* Diners Club */
	{3095, 3095, 14, 19}, /* Diners Club */
	{3400, 3499, 15, 15}, /* American Express */
	{3528, 3589, 16, 19}, /* JCB */
	{3600, 3699, 14, 19}, /* Diners Club */
	{3700, 3799, 15, 15}, /* American Express */
	{3800, 3999, 14, 19}, /* Diners Club */
	{4000, 4999, 13, 19}, /* Visa */
	{5000, 5099, 12, 19}, /* Maestro */
	{5100, 5599, 16, 16}, /* Mastercard */
	{5600, 5899, 12, 19}, /* Maestro */
	{6000, 6999, 12, 19}, /* Discover, UnionPay, RuPay, Maestro */
	{8100, 8171, 16, 19}, /* UnionPay */
};

size_t valid_card(const uint8_t *s, size_t n)
{
	uint8_t d[19];
	size_t k = digits_of(s, n, d, sizeof(d));
	unsigned int first;

	if (k < 12 || k > sizeof(d))
		return 0;
	first = d[0] * 1000u + d[1] * 100u + d[2] * 10u + d[3];
	for (size_t i = 0; i < ARRAY_SIZE(card_ranges); i++) {
		const struct card_range *r = &card_ranges[i];

		if (first < r->low || first > r->high)
			continue;
		/* 13 digits have not been issued since the nineties but for Visa; 12 to 15 digits
		 * of the Maestro ranges are too few to tell from any number */
		if (k < r->min || k > r->max || (r->min == 12 && k < 16) ||
		    (r->min == 13 && k > 13 && k < 16))
			return 0;
		return luhn_valid(d, k) ? n : 0;
	}
	return 0;
}

/* Length by country, from the registry of ISO 13616. */
static const struct iban_country {
	char code[3];
	uint8_t len;
} iban_countries[] = {
	{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16},
	{"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22},
	{"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20},
	{"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22},
	{"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HN", 28}, {"HR", 21},
	{"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30},
	{"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20},
	{"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20},
	{"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23},
	{"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22},
	{"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24},
	{"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26},
	{"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30},
};

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

size_t valid_iban(const uint8_t *s, size_t n)
{
	char plain[34];
	size_t want = 0, k = 0, i;

	for (i = 0; i < ARRAY_SIZE(iban_countries); i++)
		if (n > 2 && memcmp(s, iban_countries[i].code, 2) == 0)
			want = iban_countries[i].len;
	/* the pattern takes a word that follows for another group: stop at the country's length */
	for (i = 0; i < n && k < want; i++)
		if (is_alnum(s[i]))
			plain[k++] = (char)s[i];
	if (!want || k != want || (i < n && is_alnum(s[i])))
		return 0;
	return mod97_valid(plain, k) ? i : 0;
}

/* An international number (ITU-T E.164): 8 to 15 digits, and no prefix that is not given out. */
size_t valid_phone(const uint8_t *s, size_t n)
{
	uint8_t d[15];
	size_t k = digits_of(s, n, d, sizeof(d)), spaces = 0;

	if (k < 8 || k > sizeof(d))
		return 0;
	for (size_t i = 0; i < n; i++)
		spaces += s[i] == ' ' || s[i] == '-' || s[i] == '.' || s[i] == '(';
	/* written in one piece it must be long enough not to be a count in a diff */
	if (!spaces && k < 10)
		return 0;
	if (d[0] == 1) /* NANP: neither area code nor exchange starts with 0 or 1 */
		return k == 11 && d[1] >= 2 && d[4] >= 2 ? n : 0;
	if ((d[0] == 2 && d[1] == 8) || (d[0] == 8 && (d[1] == 3 || d[1] == 9)))
		return 0; /* +28, +83 and +89 are not assigned */
	return n;
}

size_t valid_birth_date(const uint8_t *s, size_t n)
{
	unsigned int part[3] = {0}, digits[3] = {0}, p = 0;
	unsigned int year, rest_a, rest_b;

	for (size_t i = 0; i < n; i++) {
		if (s[i] >= '0' && s[i] <= '9') {
			part[p] = part[p] * 10 + (unsigned int)(s[i] - '0');
			digits[p]++;
		} else if (++p > 2) {
			return 0;
		}
	}
	if (p != 2)
		return 0;
	year = digits[0] == 4 ? part[0] : part[2];
	rest_a = digits[0] == 4 ? part[1] : part[0];
	rest_b = digits[0] == 4 ? part[2] : part[1];
	if (digits[0] != 4 && digits[2] == 2)
		year += 1900;
	if (year < 1890 || year > 2100 || !rest_a || !rest_b)
		return 0;
	/* day and month in either order */
	return (rest_a <= 12 && rest_b <= 31) || (rest_a <= 31 && rest_b <= 12) ? n : 0;
}
