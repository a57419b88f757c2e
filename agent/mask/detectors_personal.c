// SPDX-License-Identifier: Apache-2.0
/* Detectors of personal data that knows no country. */
#include "mask/detectors.h"
#include "mask/patterns.h"

#define LOCAL "[A-Za-z0-9._%+~-]"
#define LATIN "(?:[\\xc3-\\xc9][\\x80-\\xbf])" /* letters with accents, as UTF-8 */

const struct detector detectors_personal[] = {
	{
		.name = "email",
		.description = "E-mail address",
		/* the letter of an escape before (\nalice@...) is no part of the name */
		.pattern = "(?:(?<=\\\\)[nrtbf]|(?<!" LOCAL ")|(?<=" LOCAL "{64}))"
			   "((?:" LOCAL "|" LATIN "){1,64}+@"
			   "(?:[A-Za-z0-9-]|" LATIN "){1,63}(?:\\.[A-Za-z0-9-]{1,63}){0,8}"
			   "\\.(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59}))",
		.anchor = "@",
		.screen = screen_email,
		.reach = 130,
		.validate = valid_email,
		.style = MASK_EMAIL,
		.generic = true, /* a token and a host in a URL look like one */
	},
	{
		.name = "payment-card",
		.description = "Payment card number of any large brand",
		.pattern = BEGIN "(?<![0-9][.-])(?|"
				 "([2-68][0-9]{3}(" SEP
				 "?)[0-9]{4}\\2[0-9]{4}\\2[0-9]{1,4}(?:\\2[0-9]{1,3})?)|"
				 "(3[0-9]{3}(" SEP "?)[0-9]{6}\\2[0-9]{4,5}))" END "(?!\\.[0-9])",
		.shape = SHAPE_CARD,
		.validate = valid_card,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "iban",
		.description = "International bank account number",
		.pattern = BEGIN "([A-Z]{2}[0-9]{2}(?:" SEP_DASH "?[A-Z0-9]{4}){2,7}"
				 "(?:" SEP_DASH "?[A-Z0-9]{1,4})?)" END,
		.shape = SHAPE_CAPITALS,
		.validate = valid_iban,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "phone",
		.description = "Telephone number in international form (E.164)",
		.pattern = BEGIN_NOT("A-Za-z0-9+)\\]") "(\\+[1-9](?:[ .()-]{0,2}[0-9]){7,14})"
						       "(?![0-9])(?!\\.[0-9])",
		.shape = SHAPE_PLUS,
		.validate = valid_phone,
		.style = MASK_ALNUM,
		.number = true,
	},
	{
		.name = "birth-date",
		.description = "Date of birth, named as such",
		.pattern = "(?i)" BEGIN_NOT(
			"a-z") "(?:date[ _-]?of[ _-]?birth|birth[ "
			       "_-]?da(?:te|y)|dob|born(?: on)?(?=[ :]))"
			       "[\"'`\\\\:=\\s,(|-]{1,12}((?:19|20)[0-9]{2}[-/.][01]?[0-9][-/"
			       ".][0-3]?[0-9]|"
			       "[0-3]?[0-9][-/.][0-3]?[0-9][-/.](?:(?:19|20)[0-9]{2}|[0-9]{2}))"
			       "(?![0-9A-Za-z_-])(?!\\.[0-9A-Za-z])",
		.anchor = "(?i)birth|dob|born",
		.screen = screen_birth,
		.reach = 24,
		.validate = valid_birth_date,
		.style = MASK_ALNUM,
	},
	{0},
};
