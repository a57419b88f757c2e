// SPDX-License-Identifier: Apache-2.0
/* Detectors of national numbers. Those that are plain digits need their name before them; a check
 * digit alone lets one number in ten pass. */
#include "mask/detectors.h"
#include "mask/patterns.h"

/* A number that is named: the name, at most 32 characters that are no digits, the number. */
#define NAMED(name, number)                                                                        \
	"(?i)" BEGIN_NOT("a-z") "(?:" name ")(?![a-z])" GAP "(?-i)(" number ")" END
#define NAMED_STRICT(name, number)                                                                 \
	"(?i)" BEGIN_NOT("a-z") "(?:" name ")" GAP_STRICT "(?-i)(" number ")" END
/* Plain words: what follows them is looked at by screen_named. */
#define A_NAMED(names) .anchor = "(?i)" names, .screen = screen_named

const struct detector detectors_national[] = {
	{
		.name = "us-ssn",
		.description = "US social security number",
		/* with spaces it may be a row of a table: no number may stand beside it */
		.pattern = "(?|(?<![0-9])(?<![0-9][.-])([0-9]{3}(" DASH ")[0-9]{2}\\2[0-9]{4})"
			   "(?![0-9])(?![.-][0-9])|"
			   "(?<![0-9])(?<![0-9][ .,-])([0-9]{3}(" SPACE ")[0-9]{2}\\2[0-9]{4})"
			   "(?![0-9])(?![ .,-][0-9])|"
			   "(?i)(?:ssn|social[ _-]?security)" GAP "([0-9]{9})(?![0-9]))",
		A_NAMED("ssn|" A_JOINED("social", "security")),
		.shape = SHAPE_SOCIAL,
		.validate = valid_us_ssn,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "us-itin",
		.description = "US individual taxpayer identification number",
		.pattern = "(?<![0-9])(?<![0-9][.-])(9[0-9]{2}-[5-9][0-9]-[0-9]{4})"
			   "(?![0-9])(?![.-][0-9])",
		.shape = SHAPE_SOCIAL,
		.validate = valid_us_itin,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "us-phone",
		.description = "US and Canadian telephone number without country code",
		.pattern = BEGIN_NOT("0-9A-Za-z.+-") "((?:1[ .-])?(?:\\([2-9][0-9]{2}\\) "
						     "?[2-9][0-9]{2}[.-][0-9]{4}|"
						     "[2-9][0-9]{2}([.-])[2-9][0-9]{2}\\2[0-9]{4}))"
						     "(?![0-9])(?![.-][0-9])",
		.shape = SHAPE_PHONE,
		.reach = 4,
		.validate = valid_any,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "us-npi",
		.description = "US national provider identifier, named",
		.pattern = NAMED_STRICT("npi|national[ _-]?provider", "[12][0-9]{9}"),
		A_NAMED("npi|" A_JOINED("national", "provider")),
		.validate = valid_us_npi,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "us-aba-routing",
		.description = "US bank routing number (ABA), named",
		.pattern = NAMED_STRICT("aba(?:[ _-]?routing)?|rtn|routing(?:[ _-]?transit)?",
					"[0-9]{9}"),
		A_NAMED("aba|rtn|routing"),
		.reach = 24,
		.validate = valid_us_aba,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "uk-nhs",
		.description = "UK NHS number, named",
		.pattern = NAMED("nhs", "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"),
		A_NAMED("nhs"),
		.validate = valid_uk_nhs,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "uk-nino",
		.description = "UK national insurance number",
		.pattern =
			BEGIN "([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?"
			      "[A-D])" END,
		.shape = SHAPE_CAPITALS,
		.validate = valid_uk_nino,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "ca-sin",
		.description = "Canadian social insurance number, named",
		.pattern = "(?i)" BEGIN_NOT("a-z") "(?|(?:sin|social[ _-]?insurance)" GAP_STRICT
						   "([0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3})|"
						   "(?:sin|social[ _-]?insurance)(?![a-z])" GAP
						   "([0-9]{3}([ -])[0-9]{3}\\2[0-9]{3}))" END,
		A_NAMED("sin|" A_JOINED("social", "insurance")),
		.validate = valid_ca_sin,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "in-aadhaar",
		.description = "Indian Aadhaar number, named",
		.pattern = NAMED("aadha?ar|uidai|uid", "[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}"),
		A_NAMED("aadhaar|aadhar|uid"),
		.validate = valid_in_aadhaar,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "br-cpf",
		.description = "Brazilian CPF, named or with its separators",
		.pattern = "(?|(?<![0-9])(?<![0-9][.-])([0-9]{3}\\.[0-9]{3}\\.[0-9]{3}-[0-9]{2})(?!"
			   "[0-9])|"
			   "(?i)" BEGIN_NOT("a-z") "cpf" GAP "([0-9]{11})(?![0-9]))",
		A_NAMED("cpf"),
		.shape = SHAPE_DOTTED,
		.validate = valid_br_cpf,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "br-cnpj",
		.description = "Brazilian CNPJ, named or with its separators",
		.pattern =
			"(?|(?<![0-9])([0-9]{2}\\.[0-9]{3}\\.[0-9]{3}/[0-9]{4}-[0-9]{2})(?![0-9])|"
			"(?i)" BEGIN_NOT("a-z") "cnpj" GAP "([0-9]{14})(?![0-9]))",
		A_NAMED("cnpj"),
		.shape = SHAPE_DOTTED,
		.validate = valid_br_cnpj,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "pl-pesel",
		.description = "Polish PESEL, named",
		.pattern = NAMED("pesel", "[0-9]{11}"),
		A_NAMED("pesel"),
		.validate = valid_pl_pesel,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "de-tax-id",
		.description = "German tax identification number, named",
		.pattern = NAMED_STRICT("steuer[ _-]?id(?:entifikationsnummer)?|idnr|tin",
					"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"),
		A_NAMED("idnr|tin|" A_JOINED("steuer", "id")),
		.reach = 24,
		.validate = valid_de_tax_id,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "es-dni",
		.description = "Spanish DNI or NIE, named",
		.pattern = NAMED_STRICT("dni|nie|nif", "(?:[0-9]{8}|[XYZ][0-9]{7})-?[A-Z]"),
		A_NAMED("dni|nie|nif"),
		.validate = valid_es_dni,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "fr-nir",
		.description = "French social security number (NIR), named",
		.pattern = NAMED("nir|insee|s.{1,2}curit.{1,2} sociale|num.{1,2}ro de s.{1,2}cu",
				 "[1278] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} "
				 "?[0-9]{3} ?[0-9]{2}"),
		/* the accents are of one byte or two, or left out */
		A_NAMED("nir|insee| sociale|ro de s"),
		.reach = 16,
		.validate = valid_fr_nir,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "it-fiscal-code",
		.description = "Italian codice fiscale",
		.pattern = BEGIN "([A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z])" END,
		.shape = SHAPE_CAPITALS,
		.validate = valid_it_fiscal_code,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "nl-bsn",
		.description = "Dutch burgerservicenummer, named",
		.pattern = NAMED("bsn|burgerservicenummer|sofinummer", "[0-9]{9}"),
		A_NAMED("bsn|burgerservicenummer|sofinummer"),
		.validate = valid_nl_bsn,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "se-personal-number",
		.description = "Swedish personnummer, named",
		.pattern = NAMED("personnummer|personal[ _-]?number|personnr",
				 "(?:19|20)?[0-9]{6}[-+]?[0-9]{4}"),
		A_NAMED("personnummer|personnr|" A_JOINED("personal", "number")),
		.validate = valid_se_personal_number,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "au-tfn",
		.description = "Australian tax file number, named",
		.pattern = NAMED("tfn|tax[ _-]?file[ _-]?(?:number|no)",
				 "[0-9]{3} ?[0-9]{3} ?[0-9]{3}"),
		A_NAMED("tfn|" A_JOINED("tax", "file")),
		.reach = 8,
		.validate = valid_au_tfn,
		.style = MASK_ALNUM,
		.number = true,
	},
	{0},
};
