/* SPDX-License-Identifier: Apache-2.0 */
/* Validators: the last word on a candidate. Checksums where the format has one, entropy where it
 * has not. */
#ifndef MASK_VALIDATORS_H
#define MASK_VALIDATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes of the n at s are a value: n, fewer (what follows is no part of it), or 0 for
 * "this is none". */
typedef size_t (*validator)(const uint8_t *s, size_t n);

/* --- building blocks --- */

/* Copies the digits of s to out, at most max. Returns how many, or max + 1 when there are more. */
size_t digits_of(const uint8_t *s, size_t n, uint8_t *out, size_t max);
bool luhn_valid(const uint8_t *digits, size_t n);     /* ISO/IEC 7812-1; values 0..9 */
bool verhoeff_valid(const uint8_t *digits, size_t n); /* values 0..9, the last is the check */
/* ISO 7064 mod 97-10 over letters and digits, the first four moved to the end. */
bool mod97_valid(const char *alnum, size_t n);
/* Sum of digit times weight, for the checks of the mod 11 and mod 10 kind. */
unsigned int weighted_sum(const uint8_t *digits, const uint8_t *weights, size_t n);
/* The last 6 of n base62 digits are the CRC-32 of those before (tokens of GitHub and npm). */
bool base62_crc_valid(const uint8_t *s, size_t n);
double shannon_entropy(const uint8_t *s, size_t n); /* bits a byte */

/* --- personal data --- */
size_t valid_email(const uint8_t *s, size_t n);
size_t valid_card(const uint8_t *s, size_t n);
size_t valid_iban(const uint8_t *s, size_t n);
size_t valid_phone(const uint8_t *s, size_t n);
size_t valid_birth_date(const uint8_t *s, size_t n);

/* --- national numbers --- */
size_t valid_us_ssn(const uint8_t *s, size_t n);
size_t valid_us_itin(const uint8_t *s, size_t n);
size_t valid_us_npi(const uint8_t *s, size_t n);
size_t valid_us_aba(const uint8_t *s, size_t n);
size_t valid_uk_nhs(const uint8_t *s, size_t n);
size_t valid_uk_nino(const uint8_t *s, size_t n);
size_t valid_ca_sin(const uint8_t *s, size_t n);
size_t valid_in_aadhaar(const uint8_t *s, size_t n);
size_t valid_br_cpf(const uint8_t *s, size_t n);
size_t valid_br_cnpj(const uint8_t *s, size_t n);
size_t valid_pl_pesel(const uint8_t *s, size_t n);
size_t valid_de_tax_id(const uint8_t *s, size_t n);
size_t valid_es_dni(const uint8_t *s, size_t n);
size_t valid_fr_nir(const uint8_t *s, size_t n);
size_t valid_it_fiscal_code(const uint8_t *s, size_t n);
size_t valid_nl_bsn(const uint8_t *s, size_t n);
size_t valid_se_personal_number(const uint8_t *s, size_t n);
size_t valid_au_tfn(const uint8_t *s, size_t n);

/* --- credentials --- */
size_t valid_token(const uint8_t *s, size_t n);	 /* random enough not to be a placeholder */
size_t valid_secret(const uint8_t *s, size_t n); /* what stands for a password in an assignment */
size_t valid_mixed(const uint8_t *s, size_t n);	 /* upper and lower case, digits, high entropy */
size_t valid_github(const uint8_t *s, size_t n);
size_t valid_npm(const uint8_t *s, size_t n);
size_t valid_jwt(const uint8_t *s, size_t n);
size_t valid_basic(const uint8_t *s, size_t n);	   /* base64 of user:password */
size_t valid_userinfo(const uint8_t *s, size_t n); /* what stands before '@' in a URL */
size_t valid_password(const uint8_t *s, size_t n); /* any, where no other thing can stand */
size_t valid_any(const uint8_t *s, size_t n);

/* --- screens: of an anchor that ends at end of the n bytes at s, whether a match can follow --- */

/* A name that ends or goes on there is assigned something that has not letters only. */
bool screen_secret(const uint8_t *s, size_t n, size_t end);
bool screen_assigned(const uint8_t *s, size_t n, size_t end); /* a name, or "bearer " */
bool screen_basic(const uint8_t *s, size_t n, size_t end);    /* "basic " */
bool screen_birth(const uint8_t *s, size_t n, size_t end);
bool screen_userinfo(const uint8_t *s, size_t n, size_t end); /* "://" */
bool screen_email(const uint8_t *s, size_t n, size_t end);    /* "@" */
/* The name of a number, and the number within the room that patterns leave between. */
bool screen_named(const uint8_t *s, size_t n, size_t end);

#endif
