/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic values for each detector, by recipe: literal text, and {c:n} for n characters of a
 *class d digits  h hex  w letters and digits  u upper case  l lower case  b A-Z2-7 m letters,
 *digits, - and _  x base64  1 digits but 0 and 1 Values with check digits are drawn until their
 *validator, which has a test of its own, takes them. */
#ifndef TEST_MASK_VALUES_H
#define TEST_MASK_VALUES_H

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "mask/validators.h"
#include "test_mask_gen.h"

struct recipe {
	const char *detector;
	const char *before; /* what must stand before the value, if anything */
	const char *value;
	const char *after;
	validator check; /* drawn until it holds */
	bool crc;	 /* six base62 digits of CRC-32 are appended */
};

static const struct recipe recipes[] = {
	{"email", "", "{l:6}.{w:3}@{l:8}.com", "", NULL, false},
	{"email", "", "{l:3}+{l:4}@mail.{l:5}.co.uk", "", NULL, false},
	{"payment-card", "", "4{d:15}", "", valid_card, false},
	{"payment-card", "", "5{d:3} {d:4} {d:4} {d:4}", "", valid_card, false},
	{"payment-card", "", "37{d:2}-{d:6}-{d:5}", "", valid_card, false},
	{"payment-card", "", "6011{d:12}", "", valid_card, false},
	{"payment-card", "", "3530 {d:4} {d:4} {d:4}", "", valid_card, false},
	{"payment-card", "", "62{d:17}", "", valid_card, false},
	{"payment-card", "", "36{d:2}-{d:6}-{d:4}", "", valid_card, false},
	{"iban", "", "DE{d:2} {d:4} {d:4} {d:4} {d:4} {d:2}", "", valid_iban, false},
	{"iban", "", "GB{d:2}{u:4}{d:14}", "", valid_iban, false},
	{"iban", "", "NO{d:2} {d:4} {d:4} {d:3}", "", valid_iban, false},
	{"phone", "", "+49 {1:2} {d:7}", "", NULL, false},
	{"phone", "", "+1 ({1:3}) {1:3}-{d:4}", "", NULL, false},
	{"phone", "", "+4479{d:8}", "", NULL, false},
	{"birth-date", "date_of_birth: \"", "19{1:2}-0{1:1}-1{d:1}", "\"", valid_birth_date, false},
	{"us-ssn", "", "1{1:2}-{1:2}-{1:4}", "", NULL, false},
	{"us-ssn", "SSN: ", "2{1:8}", "", NULL, false},
	{"us-itin", "", "9{d:2}-7{d:1}-{d:4}", "", NULL, false},
	{"us-phone", "", "({1:3}) {1:3}-{d:4}", "", NULL, false},
	{"us-phone", "", "{1:3}-{1:3}-{d:4}", "", NULL, false},
	{"us-npi", "NPI: ", "1{d:9}", "", valid_us_npi, false},
	{"us-aba-routing", "routing number ", "02{d:7}", "", valid_us_aba, false},
	{"uk-nhs", "\"nhs_number\": \"", "{d:3} {d:3} {d:4}", "\"", valid_uk_nhs, false},
	{"uk-nino", "", "AB {d:2} {d:2} {d:2} C", "", NULL, false},
	{"ca-sin", "SIN: ", "{1:3}-{d:3}-{d:3}", "", valid_ca_sin, false},
	{"ca-sin", "\"sin\":", "{1:3}{d:6}", "}", valid_ca_sin, false},
	{"in-aadhaar", "Aadhaar no. ", "{1:4} {d:4} {d:4}", "", valid_in_aadhaar, false},
	{"br-cpf", "", "{d:3}.{d:3}.{d:3}-{d:2}", "", valid_br_cpf, false},
	{"br-cpf", "cpf=", "{d:11}", "", valid_br_cpf, false},
	{"br-cnpj", "", "{d:2}.{d:3}.{d:3}/0001-{d:2}", "", valid_br_cnpj, false},
	{"pl-pesel", "PESEL ", "{d:2}0{1:1}1{d:6}", "", valid_pl_pesel, false},
	{"de-tax-id", "Steuer-ID: ", "{1:2} {d:3} {d:3} {d:3}", "", valid_de_tax_id, false},
	{"es-dni", "DNI: ", "{d:8}{u:1}", "", valid_es_dni, false},
	{"fr-nir", "NIR : ", "2 {d:2} 05 {d:2} {d:3} {d:3} {d:2}", "", valid_fr_nir, false},
	{"it-fiscal-code", "", "{u:6}{d:2}T{d:2}A{d:3}{u:1}", "", valid_it_fiscal_code, false},
	{"nl-bsn", "BSN ", "{d:9}", "", valid_nl_bsn, false},
	{"se-personal-number", "personnummer: ", "81122{1:1}-{d:4}", "", valid_se_personal_number,
	 false},
	{"au-tfn", "TFN ", "{d:3} {d:3} {d:3}", "", valid_au_tfn, false},
	/* the other ways in which names are written */
	{"us-ssn", "Social_Security number: ", "2{1:8}", "", NULL, false},
	{"us-ssn", "social security no ", "1{1:8}", "", NULL, false},
	{"us-ssn", "socialSecurity\": ", "1{1:8}", ",", NULL, false},
	{"us-npi", "National-Provider id: ", "1{d:9}", "", valid_us_npi, false},
	{"us-aba-routing", "ABA routing number ", "02{d:7}", "", valid_us_aba, false},
	{"us-aba-routing", "\"rtn\": \"", "02{d:7}", "\"", valid_us_aba, false},
	{"us-aba-routing", "routing transit no: ", "02{d:7}", "", valid_us_aba, false},
	{"ca-sin", "social_insurance_number: ", "{1:3} {d:3} {d:3}", "", valid_ca_sin, false},
	{"in-aadhaar", "aadhar card ", "{1:4}{d:4}{d:4}", "", valid_in_aadhaar, false},
	{"in-aadhaar", "UIDAI: ", "{1:4}-{d:4}-{d:4}", "", valid_in_aadhaar, false},
	{"br-cnpj", "CNPJ ", "{d:14}", "", valid_br_cnpj, false},
	{"de-tax-id", "Steueridentifikationsnummer: ", "{1:2}{d:9}", "", valid_de_tax_id, false},
	{"de-tax-id", "steuer_id=", "{1:2}{d:9}", "", valid_de_tax_id, false},
	{"de-tax-id", "IdNr: ", "{1:2} {d:3} {d:3} {d:3}", "", valid_de_tax_id, false},
	{"es-dni", "NIE = ", "X{d:7}{u:1}", "", valid_es_dni, false},
	{"fr-nir", "numero de securite sociale : ", "1{d:2}05{d:2}{d:3}{d:3}{d:2}", "",
	 valid_fr_nir, false},
	{"fr-nir", "Numero de secu ", "1{d:2}05{d:2}{d:3}{d:3}{d:2}", "", valid_fr_nir, false},
	{"nl-bsn", "Burgerservicenummer: ", "{d:9}", "", valid_nl_bsn, false},
	{"se-personal-number", "Personal-Number: ", "1981122{1:1}{d:4}", "",
	 valid_se_personal_number, false},
	{"au-tfn", "tax file number is ", "{d:9}", "", valid_au_tfn, false},
	{"birth-date", "born on ", "{1:1}.1{d:1}.19{1:2}", "", valid_birth_date, false},
	{"birth-date", "Birthday: ", "0{1:1}/1{d:1}/19{1:2}", "", valid_birth_date, false},
	{"aws-access-key-id", "", "AKIA{b:16}", "", valid_token, false},
	{"aws-access-key-id", "", "ASIA{b:16}", "", valid_token, false},
	{"aws-secret-access-key", "aws_secret_access_key = ", "{x:40}", "", valid_mixed, false},
	{"aws-secret-access-key", "SecretAccessKey: ", "{x:40}", "", valid_mixed, false},
	{"aws-secret-access-key", "secret access key\": \"", "{x:40}", "\"", valid_mixed, false},
	{"aws-secret-access-key", "aws-secret=", "{x:40}", "", valid_mixed, false},
	{"aws-secret-access-key", "AKIAIOSFODNN7EXAMPLF\t", "{x:40}", "\n", valid_mixed, false},
	{"aws-session-token", "security-token: ", "{x:200}", "", valid_mixed, false},
	{"aws-session-token", "AWS_SESSION_TOKEN=", "{x:300}", "", valid_mixed, false},
	{"github-token", "", "ghp_{w:30}", "", NULL, true},
	{"github-token", "", "ghs_{w:30}", "", NULL, true},
	{"github-fine-grained-token", "", "github_pat_{w:22}_{w:59}", "", NULL, false},
	{"gitlab-token", "", "glpat-{m:20}", "", NULL, false},
	{"slack-token", "", "xoxb-{d:12}-{d:12}-{w:24}", "", NULL, false},
	{"slack-app-token", "", "xapp-1-A{w:10}-{d:13}-{h:64}", "", NULL, false},
	{"slack-webhook", "https://hooks.slack.com/services/", "T{b:8}/B{b:8}/{w:24}", "", NULL,
	 false},
	{"discord-webhook", "https://discord.com/api/webhooks/", "{1:18}/{m:68}", "", NULL, false},
	{"stripe-key", "", "sk_live_{w:24}", "", NULL, false},
	{"stripe-key", "", "rk_test_{w:99}", "", NULL, false},
	{"google-api-key", "", "AIza{m:35}", "", valid_mixed, false},
	{"google-oauth-token", "", "ya29.{m:120}", "", NULL, false},
	{"google-oauth-token", "", "GOCSPX-{m:28}", "", NULL, false},
	{"anthropic-key", "", "sk-ant-api03-{m:93}AA", "", NULL, false},
	{"anthropic-key", "", "sk-ant-oat01-{m:90}", "", NULL, false},
	{"openai-key", "", "sk-proj-{m:120}", "", NULL, false},
	{"openai-key", "", "sk-{w:20}T3BlbkFJ{w:20}", "", NULL, false},
	{"npm-token", "", "npm_{w:30}", "", NULL, true},
	{"pypi-token", "", "pypi-AgEIcHlwaS5vcmc{m:120}", "", NULL, false},
	{"rubygems-key", "", "rubygems_{h:48}", "", NULL, false},
	{"sendgrid-key", "", "SG.{m:22}.{m:43}", "", valid_mixed, false},
	{"twilio-key", "", "SK{h:32}", "", NULL, false},
	{"twilio-key", "TWILIO_AUTH_TOKEN=", "{h:32}", "", valid_token, false},
	{"mailgun-key", "", "key-{h:32}", "", NULL, false},
	{"digitalocean-token", "", "dop_v1_{h:64}", "", NULL, false},
	{"huggingface-token", "", "hf_{l:34}", "", NULL, false},
	{"databricks-token", "", "dapi{h:32}", "", NULL, false},
	{"shopify-token", "", "shpat_{h:32}", "", NULL, false},
	{"telegram-token", "", "{1:9}:AA{m:33}", "", valid_mixed, false},
	{"atlassian-token", "", "ATATT3{m:180}={h:8}", "", NULL, false},
	{"terraform-token", "", "{w:14}.atlasv1.{m:67}", "", NULL, false},
	{"grafana-token", "", "glsa_{w:32}_{h:8}", "", NULL, false},
	{"new-relic-key", "", "NRAK-{b:27}", "", NULL, false},
	{"docker-token", "", "dckr_pat_{w:27}", "", NULL, false},
	{"age-key", "", "AGE-SECRET-KEY-1{b:58}", "", NULL, false},
	{"linear-key", "", "lin_api_{w:40}", "", NULL, false},
	{"doppler-token", "", "dp.pt.{w:43}", "", NULL, false},
	{"groq-key", "", "gsk_{w:52}", "", NULL, false},
	{"vault-token", "", "hvs.{w:90}", "", NULL, false},
	{"vault-token", "vault token: ", "s.{w:24}", "", NULL, false},
	{"jwt", "", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{m:60}.{m:43}", "", NULL, false},
	{"pem-private-key", "-----BEGIN RSA PRIVATE KEY-----\n", "{x:64}\n{x:64}\n{x:40}",
	 "\n-----END RSA PRIVATE KEY-----\n", NULL, false},
	{"pem-private-key", "-----BEGIN PRIVATE KEY-----\\n",
	 "{x:64}\\n{x:64}\\n{x:30}==", "\\n-----END PRIVATE KEY-----\\n", NULL, false},
	{"pem-private-key", "-----BEGIN EC PRIVATE KEY-----\n", "{x:64}\n{x:64}", "\n\n", NULL,
	 false},
	{"pgp-private-key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n",
	 "{x:64}\n{x:64}\n={x:4}", "\n-----END PGP PRIVATE KEY BLOCK-----\n", NULL, false},
	{"authorization-header", "Authorization: Bearer ", "{w:40}", "", NULL, false},
	{"authorization-header", "authorization: bearer   ", "{w:12}", "", valid_token, false},
	{"authorization-header", "'Authorization' => \"token ", "{w:20}", "\"", NULL, false},
	{"authorization-header", "send Bearer ", "{w:30}", "", NULL, false},
	{"authorization-header", "X-Vault-Token: '", "{w:24}", "'", NULL, false},
	{"authorization-header", "\"x-api-key\": \"", "{w:32}", "\"", NULL, false},
	{"url-credentials", "postgres://", "{l:6}:{w:16}", "@db.internal:5432/app", NULL, false},
	{"url-credentials", "https://", "{w:32}", "@git.example.com/x.git", valid_userinfo, false},
	{"url-parameter", "https://x.example/?page=1&access_token=", "{w:24}", "&z=1", valid_secret,
	 false},
	{"azure-storage-key", "AccountName=x;AccountKey=", "{x:86}==", ";", valid_mixed, false},
	{"azure-storage-key", "SharedAccess_Key = \"", "{x:43}=", "\"", valid_mixed, false},
	{"azure-storage-key", "\"primaryKey\": \"", "{x:86}==", "\"", valid_mixed, false},
	{"azure-sas", "?sv=2022-11-02&se=2030&sig=", "{w:43}%3D", "", valid_mixed, false},
	{"azure-client-secret", "", "{w:3}8Q~{w:34}", "", valid_mixed, false},
	{"connection-string", "Server=db;Database=app;User Id=sa;Password=", "{w:12}", ";", NULL,
	 false},
	{"generic-secret", "password = \"", "{w:16}", "\"", valid_secret, false},
	{"generic-secret", "export API_KEY=", "{w:24}", "", valid_secret, false},
	{"generic-secret", "{\\\"client_secret\\\": \\\"", "{w:24}", "\\\"}", valid_secret, false},
	{"generic-secret", "signing.key=", "{w:24}", "", valid_secret, false},
	{"generic-secret", "Private-Key: '", "{w:24}", "'", valid_secret, false},
	{"generic-secret", "encryptionKey => \"", "{w:24}", "\"", valid_secret, false},
	{"generic-secret", "api.key = ", "{w:24}", "", valid_secret, false},
	{"generic-secret", "access_key_2: ", "{w:24}", "", valid_secret, false},
	{"generic-secret", "PASSPHRASE=\"", "{w:24}", "\"", valid_secret, false},
	{"generic-secret", "credentials[\"x\"] = token: ", "{w:24}", "", valid_secret, false},
	{"generic-secret", "db_password: ", "{w:14}", "", valid_secret, false},
};

static inline const char *class_of(char c)
{
	switch (c) {
	case 'd':
		return "0123456789";
	case '1':
		return "23456789";
	case 'h':
		return "0123456789abcdef";
	case 'u':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	case 'l':
		return "abcdefghijklmnopqrstuvwxyz";
	case 'b':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	case 'm':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	case 'x':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	default:
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	}
}

static inline void draw_once(struct gen *g, const char *recipe)
{
	for (const char *p = recipe; *p; p++) {
		if (*p == '{' && p[1] && p[2] == ':') {
			const char *set = class_of(p[1]);

			gen_chars(g, set, (unsigned int)strlen(set),
				  (unsigned int)strtoul(p + 3, NULL, 10));
			p = strchr(p, '}');
		} else {
			gen_put(g, "%c", *p);
		}
	}
}

static inline void put_crc(struct gen *g, size_t from)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned long crc = crc32(0, (const Bytef *)g->out + from, (uInt)(g->len - from));
	char out[7] = {0};

	for (int i = 5; i >= 0; i--, crc /= 62)
		out[i] = digits[crc % 62];
	gen_put(g, "%s", out);
}

/* Appends a value to g. */
static inline void draw_value(struct gen *g, const struct recipe *r)
{
	size_t at = g->len;

	do {
		g->len = at;
		draw_once(g, r->value);
	} while (r->check && r->check((const uint8_t *)g->out + at, g->len - at) != g->len - at);
	if (r->crc)
		put_crc(g, at + 4);
}

#endif
