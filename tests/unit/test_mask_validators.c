// SPDX-License-Identifier: Apache-2.0
/* Validators against the examples that the issuers of the numbers publish, and one step beside. */
#include "harness.h"

#include <string.h>

#include "base/cleanup.h"
#include "mask/base64.h"
#include "mask/validators.h"

struct row {
	validator validate;
	const char *value;
	size_t want; /* how much of it is accepted */
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t got =
			rows[i].validate((const uint8_t *)rows[i].value, strlen(rows[i].value));

		if (got != rows[i].want)
			fail_msg("row %zu, '%s': %zu, not %zu", i, rows[i].value, got,
				 rows[i].want);
	}
}

static void test_national(void **state)
{
	static const struct row rows[] = {
		{valid_us_ssn, "078-05-1120", 11},
		{valid_us_ssn, "899-99-9999", 11},
		{valid_us_ssn, "000-12-3456", 0},
		{valid_us_ssn, "666-12-3456", 0},
		{valid_us_ssn, "900-12-3456", 0},
		{valid_us_ssn, "123-00-3456", 0},
		{valid_us_ssn, "123-45-0000", 0},
		{valid_us_itin, "900-70-0000", 11},
		{valid_us_itin, "900-93-0000", 0},
		{valid_us_itin, "800-70-0000", 0},
		{valid_us_npi, "1234567893", 10},
		{valid_us_npi, "1234567890", 0},
		{valid_us_aba, "021000021", 9},
		{valid_us_aba, "122105155", 9},
		{valid_us_aba, "021000022", 0},
		{valid_us_aba, "991000021", 0},
		{valid_uk_nhs, "943 476 5919", 12},
		{valid_uk_nhs, "943 476 5918", 0},
		{valid_uk_nhs, "1111111111", 0},
		{valid_uk_nino, "AB123456C", 9},
		{valid_uk_nino, "GB123456C", 0},
		{valid_ca_sin, "046 454 286", 11},
		{valid_ca_sin, "046 454 287", 0},
		{valid_in_aadhaar, "2341 2341 2346", 14},
		{valid_in_aadhaar, "2341 2341 2345", 0},
		{valid_in_aadhaar, "1341 2341 2346", 0},
		{valid_br_cpf, "111.444.777-35", 14},
		{valid_br_cpf, "529.982.247-25", 14},
		{valid_br_cpf, "529.982.247-26", 0},
		{valid_br_cpf, "111.111.111-11", 0},
		{valid_br_cnpj, "11.222.333/0001-81", 18},
		{valid_br_cnpj, "11.222.333/0001-82", 0},
		{valid_pl_pesel, "02070803628", 11},
		{valid_pl_pesel, "02070803629", 0},
		{valid_pl_pesel, "02150803628", 0},
		{valid_de_tax_id, "86095742719", 11},
		{valid_de_tax_id, "86095742710", 0},
		{valid_es_dni, "12345678Z", 9},
		{valid_es_dni, "X1234567L", 9},
		{valid_es_dni, "12345678A", 0},
		{valid_fr_nir, "2 69 05 49 588 157 80", 21},
		{valid_fr_nir, "2 69 05 49 588 157 81", 0},
		{valid_it_fiscal_code, "RSSMRA85T10A562S", 16},
		{valid_it_fiscal_code, "RSSMRA85T10A562T", 0},
		{valid_nl_bsn, "111222333", 9},
		{valid_nl_bsn, "111222334", 0},
		{valid_se_personal_number, "811228-9874", 11},
		{valid_se_personal_number, "19811228-9874", 13},
		{valid_se_personal_number, "811228-9875", 0},
		{valid_se_personal_number, "811328-9874", 0},
		{valid_au_tfn, "123 456 782", 11},
		{valid_au_tfn, "123 456 783", 0},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_personal(void **state)
{
	static const struct row rows[] = {
		/* test numbers of the card schemes */
		{valid_card, "4111 1111 1111 1111", 19},
		{valid_card, "4222222222222", 13},
		{valid_card, "5555-5555-5555-4444", 19},
		{valid_card, "2223003122003222", 16},
		{valid_card, "378282246310005", 15},
		{valid_card, "6011111111111117", 16},
		{valid_card, "30569309025904", 14},
		{valid_card, "3530111333300000", 16},
		{valid_card, "6212345678901232", 16},
		{valid_card, "2200123456789019", 16},
		{valid_card, "4111111111111112", 0},
		{valid_card, "0000000000000000", 0},
		{valid_card, "1700000000000000", 0},
		{valid_card, "55555555555544440", 0},
		{valid_iban, "DE89 3704 0044 0532 0130 00", 27},
		{valid_iban, "GB29NWBK60161331926819", 22},
		{valid_iban, "FR1420041010050500013M02606", 27},
		{valid_iban, "NO9386011117947", 15},
		{valid_iban, "MT84MALT011000012345MTLCAST001S", 31},
		{valid_iban, "BE68 5390 0754 7034 PAID", 19},
		{valid_iban, "BE68 5390 0754 7035", 0},
		{valid_iban, "BE685390075470347", 0},
		{valid_iban, "XX89370400440532013000", 0},
		{valid_phone, "+14155552671", 12},
		{valid_phone, "+44 20 7946 0958", 16},
		{valid_phone, "+11155552671", 0},
		{valid_phone, "+12345678", 0},
		{valid_phone, "+83 123 456 789", 0},
		{valid_email, "alice@example.com", 17},
		{valid_email, "git@github.com", 0},
		{valid_email, "icon@2x.png", 0},
		{valid_email, "getty@tty1.service", 0},
		{valid_birth_date, "1985-10-21", 10},
		{valid_birth_date, "21.10.85", 8},
		{valid_birth_date, "1985-21-10", 10},
		{valid_birth_date, "1985-13-32", 0},
		{valid_birth_date, "1785-10-21", 0},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_secrets(void **state)
{
	static const struct row rows[] = {
		{valid_token, "aaaaaaaaaaaaaaaaaaaa", 0},
		{valid_token, "q7Zr2mX9vK4tLw8c", 16},
		{valid_secret, "hunter2hunter2", 14},
		{valid_secret, "correct$horse", 13},
		{valid_secret, "some_variable_name", 0},
		{valid_secret, "********", 0},
		{valid_secret, "${DB_PASSWORD1}", 0},
		{valid_secret, "12345678", 0},
		{valid_jwt, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", 41},
		{valid_jwt, "eyJzdWIiOiIxMjM0NTY3ODkwIn0.eyJzdWIiOiIxIn0", 0},
		{valid_basic, "dXNlcjpwYXNzd29yZA==", 20},
		{valid_basic, "YXV0aGVudGljYXRpb24", 0},
		{valid_userinfo, "user:hunter2", 12},
		{valid_userinfo, "user:***", 0},
		{valid_userinfo, "user:${PASS}", 0},
		{valid_userinfo, "just-a-user", 0},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_checksums(void **state)
{
	static const uint8_t luhn[] = {7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3};
	static const uint8_t verhoeff[] = {2, 3, 6, 3};
	/* CRC-32 of "123456789" is cbf43926: 3421780262, in base 62 3jZRME */
	static const char with_crc[] = "1234567893jZRME";
	uint8_t copy[16];
	unsigned int valid = 0;

	assert_true(luhn_valid(luhn, 11));
	assert_true(verhoeff_valid(verhoeff, 4));
	/* each changed digit is seen */
	for (size_t i = 0; i < 11; i++) {
		memcpy(copy, luhn, 11);
		copy[i] = (uint8_t)((copy[i] + 1) % 10);
		assert_false(luhn_valid(copy, 11));
	}
	/* each swap of neighbours too, by Verhoeff */
	for (size_t i = 0; i < 3; i++) {
		memcpy(copy, verhoeff, 4);
		copy[i] = verhoeff[i + 1];
		copy[i + 1] = verhoeff[i];
		assert_false(verhoeff_valid(copy, 4));
	}
	assert_true(base62_crc_valid((const uint8_t *)with_crc, 15));
	assert_false(base62_crc_valid((const uint8_t *)"1234567883jZRME", 15));
	for (unsigned int i = 0; i < 10; i++) {
		uint8_t d[4] = {2, 3, 6, (uint8_t)i};

		valid += verhoeff_valid(d, 4);
	}
	assert_int_equal(valid, 1);
}

static void test_entropy(void **state)
{
	uint8_t all[256];

	for (unsigned int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_true(shannon_entropy(all, 256) > 7.9999 && shannon_entropy(all, 256) < 8.0001);
	assert_true(shannon_entropy((const uint8_t *)"aaaa", 4) == 0);
	assert_true(shannon_entropy((const uint8_t *)"abab", 4) == 1);
	/* 3 of 4: 0.811 bits */
	assert_true(shannon_entropy((const uint8_t *)"aaab", 4) > 0.8112);
	assert_true(shannon_entropy((const uint8_t *)"aaab", 4) < 0.8113);
	assert_true(shannon_entropy(all, 0) == 0);
}

static void test_base64(void **state)
{
	uint8_t out[32];

	/* RFC 4648, section 10, and the url alphabet */
	assert_int_equal(base64_decode((const uint8_t *)"Zm9vYmFy", 8, out), 6);
	assert_memory_equal(out, "foobar", 6);
	assert_int_equal(base64_decode((const uint8_t *)"Zm9vYg==", 8, out), 4);
	assert_memory_equal(out, "foob", 4);
	assert_int_equal(base64_decode((const uint8_t *)"-_-_", 4, out), 3);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
	assert_int_equal(base64_decode((const uint8_t *)"+/+/", 4, out), 3);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
	for (unsigned int c = 0, n = 0; c < 256; c++) {
		n += base64_value[c] != BASE64_NONE;
		if (c == 255)
			assert_int_equal(n, 66);
	}
}

UNIT_MAIN(unit(test_national), unit(test_personal), unit(test_secrets), unit(test_checksums),
	  unit(test_entropy), unit(test_base64))
