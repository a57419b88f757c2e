// SPDX-License-Identifier: Apache-2.0
/* Validators of national numbers: each by the check digits that its issuer publishes. */
#include "mask/validators.h"

#include <string.h>

/* Digits of a value that must have exactly n of them. */
static bool exactly(const uint8_t *s, size_t n, uint8_t *d, size_t want)
{
	return digits_of(s, n, d, want) == want;
}

static bool all_same(const uint8_t *d, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (d[i] != d[0])
			return false;
	return true;
}

/* Area, group, serial, by the rules of the Social Security Administration since 2011. */
size_t valid_us_ssn(const uint8_t *s, size_t n)
{
	uint8_t d[9];
	unsigned int area;

	if (!exactly(s, n, d, 9))
		return 0;
	area = d[0] * 100u + d[1] * 10u + d[2];
	if (area == 0 || area == 666 || area >= 900)
		return 0;
	if (d[3] + d[4] == 0 || d[5] + d[6] + d[7] + d[8] == 0)
		return 0;
	return n;
}

size_t valid_us_itin(const uint8_t *s, size_t n)
{
	uint8_t d[9];
	unsigned int group;

	if (!exactly(s, n, d, 9) || d[0] != 9)
		return 0;
	group = d[3] * 10u + d[4];
	if ((group >= 50 && group <= 65) || (group >= 70 && group <= 88) ||
	    (group >= 90 && group <= 92) || group >= 94)
		return n;
	return 0;
}

/* National Provider Identifier: Luhn over the number with the prefix 80840. */
size_t valid_us_npi(const uint8_t *s, size_t n)
{
	uint8_t d[15] = {8, 0, 8, 4, 0};

	return exactly(s, n, d + 5, 10) && luhn_valid(d, 15) ? n : 0;
}

size_t valid_us_aba(const uint8_t *s, size_t n)
{
	static const uint8_t weights[9] = {3, 7, 1, 3, 7, 1, 3, 7, 1};
	uint8_t d[9];
	unsigned int region;

	if (!exactly(s, n, d, 9))
		return 0;
	region = d[0] * 10u + d[1];
	if (region == 0 || (region > 12 && region < 21) || (region > 32 && region < 61) ||
	    (region > 72 && region != 80))
		return 0;
	return weighted_sum(d, weights, 9) % 10 == 0 ? n : 0;
}

size_t valid_uk_nhs(const uint8_t *s, size_t n)
{
	static const uint8_t weights[9] = {10, 9, 8, 7, 6, 5, 4, 3, 2};
	uint8_t d[10];
	unsigned int check;

	if (!exactly(s, n, d, 10) || all_same(d, 10))
		return 0;
	check = 11 - weighted_sum(d, weights, 9) % 11;
	return check % 11 == d[9] && check != 10 ? n : 0;
}

/* National Insurance number: some prefixes are never given out. */
size_t valid_uk_nino(const uint8_t *s, size_t n)
{
	static const char never[] = "BG GB KN NK NT TN ZZ";

	for (size_t i = 0; i + 1 < sizeof(never); i += 3)
		if (n < 2 || memcmp(s, never + i, 2) == 0)
			return 0;
	return n;
}

size_t valid_ca_sin(const uint8_t *s, size_t n)
{
	uint8_t d[9];

	return exactly(s, n, d, 9) && !all_same(d, 9) && luhn_valid(d, 9) ? n : 0;
}

size_t valid_in_aadhaar(const uint8_t *s, size_t n)
{
	uint8_t d[12];

	return exactly(s, n, d, 12) && d[0] >= 2 && verhoeff_valid(d, 12) ? n : 0;
}

/* The two check digits of CPF and CNPJ: weights from the right, 11 - sum mod 11, 10 and 11 are 0.
 */
static bool br_check(const uint8_t *d, const uint8_t *weights, size_t n)
{
	unsigned int rest = weighted_sum(d, weights, n) % 11;

	return d[n] == (rest < 2 ? 0 : 11 - rest);
}

size_t valid_br_cpf(const uint8_t *s, size_t n)
{
	static const uint8_t w[10] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
	uint8_t d[11];

	if (!exactly(s, n, d, 11) || all_same(d, 11))
		return 0;
	return br_check(d, w + 1, 9) && br_check(d, w, 10) ? n : 0;
}

size_t valid_br_cnpj(const uint8_t *s, size_t n)
{
	static const uint8_t w[13] = {6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2};
	uint8_t d[14];

	if (!exactly(s, n, d, 14) || all_same(d, 14))
		return 0;
	return br_check(d, w + 1, 12) && br_check(d, w, 13) ? n : 0;
}

size_t valid_pl_pesel(const uint8_t *s, size_t n)
{
	static const uint8_t weights[11] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1};
	uint8_t d[11];
	unsigned int month, day;

	if (!exactly(s, n, d, 11))
		return 0;
	month = (d[2] * 10u + d[3]) % 20; /* the century is added to the month, in twenties */
	day = d[4] * 10u + d[5];
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	return weighted_sum(d, weights, 11) % 10 == 0 ? n : 0;
}

/* Steuerliche Identifikationsnummer: ISO 7064 mod 11,10; one digit of the first ten repeats. */
size_t valid_de_tax_id(const uint8_t *s, size_t n)
{
	uint8_t d[11], count[10] = {0};
	unsigned int product = 10, repeated = 0;

	if (!exactly(s, n, d, 11) || d[0] == 0)
		return 0;
	for (size_t i = 0; i < 10; i++) {
		unsigned int sum = (d[i] + product) % 10;

		product = (sum ? sum : 10) * 2 % 11;
		count[d[i]]++;
	}
	for (size_t i = 0; i < 10; i++)
		repeated += count[i] > 1;
	return repeated == 1 && (11 - product) % 10 == d[10] ? n : 0;
}

/* DNI and NIE: the letter is the number mod 23; X, Y, Z stand for 0, 1, 2. */
size_t valid_es_dni(const uint8_t *s, size_t n)
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	unsigned int number = 0;

	if (n < 9)
		return 0;
	for (size_t i = 0; i + 1 < n; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			number = number * 10 + (unsigned int)(s[i] - '0');
		else if (i == 0 && s[i] >= 'X' && s[i] <= 'Z')
			number = (unsigned int)(s[i] - 'X');
	}
	return letters[number % 23] == (char)s[n - 1] ? n : 0;
}

/* Numero d'inscription au repertoire: 97 - number mod 97; 2A and 2B count as 19 and 18. */
size_t valid_fr_nir(const uint8_t *s, size_t n)
{
	uint64_t number = 0;
	unsigned int digits = 0, check = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int d;

		if (s[i] == 'A' || s[i] == 'B') {
			if (digits != 6 || s[i - 1] != '2')
				return 0;
			number = number - 2 + 1;
			d = s[i] == 'A' ? 9 : 8;
		} else if (s[i] >= '0' && s[i] <= '9') {
			d = (unsigned int)(s[i] - '0');
		} else {
			continue;
		}
		if (digits++ < 13)
			number = number * 10 + d;
		else
			check = check * 10 + d;
	}
	return digits == 15 && 97 - number % 97 == check ? n : 0;
}

size_t valid_it_fiscal_code(const uint8_t *s, size_t n)
{
	/* values of the characters 0-9, A-Z in odd places (decree of 23 December 1976) */
	static const uint8_t odd[36] = {1,  0, 5, 7,  9,  13, 15, 17, 19, 21, 1,  0,
					5,  7, 9, 13, 15, 17, 19, 21, 2,  4,  18, 20,
					11, 3, 6, 8,  12, 14, 16, 10, 22, 25, 24, 23};
	unsigned int sum = 0;

	if (n != 16)
		return 0;
	for (size_t i = 0; i < 15; i++) {
		unsigned int v =
			s[i] <= '9' ? (unsigned int)(s[i] - '0') : (unsigned int)(s[i] - 'A') + 10;

		if (i % 2 == 0)
			sum += odd[v];
		else
			sum += v < 10 ? v : v - 10;
	}
	return s[15] == 'A' + sum % 26 ? n : 0;
}

size_t valid_nl_bsn(const uint8_t *s, size_t n)
{
	static const uint8_t weights[8] = {9, 8, 7, 6, 5, 4, 3, 2};
	uint8_t d[9];

	if (!exactly(s, n, d, 9) || all_same(d, 9))
		return 0;
	return weighted_sum(d, weights, 8) % 11 == d[8] ? n : 0;
}

size_t valid_se_personal_number(const uint8_t *s, size_t n)
{
	uint8_t d[12];
	size_t k = digits_of(s, n, d, sizeof(d));
	const uint8_t *ten = d + (k == 12 ? 2 : 0);
	unsigned int month, day;

	if (k != 10 && k != 12)
		return 0;
	month = ten[2] * 10u + ten[3];
	day = (ten[4] * 10u + ten[5]) % 60; /* coordination numbers add 60 */
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && luhn_valid(ten, 10) ? n : 0;
}

size_t valid_au_tfn(const uint8_t *s, size_t n)
{
	static const uint8_t weights[9] = {1, 4, 3, 7, 5, 8, 6, 9, 10};
	uint8_t d[9];

	if (!exactly(s, n, d, 9) || all_same(d, 9))
		return 0;
	return weighted_sum(d, weights, 9) % 11 == 0 ? n : 0;
}
