// SPDX-License-Identifier: Apache-2.0
/* Detectors of credentials that only their place gives away: a name before them, a URL around. */
#include "mask/detectors.h"
#include "mask/patterns.h"

/* From a name to its value: "name": "v, name = 'v, name=v, name => v, --name v */
#define ASSIGN "(?:" QUOTE "|\\])?[ \\t]{0,8}(?::=|=>|=|:)[ \\t]{0,8}"
#define SECRET_NAME                                                                                \
	"(?:passw(?:or)?d|passphrase|passwd|secret|api[_.-]?key|access[_.-]?key|"                  \
	"(?:access|auth|refresh|bearer|session|id|bot|api|security)[_.-]?token|token|"             \
	"private[_.-]?key|client[_.-]?secret|credentials?|encryption[_.-]?key|signing[_.-]?key)"
/* The same as plain words, all ways to join them: searched for several times as fast. */
#define A_KEY(name) name "key|" name "_key|" name "[.]key|" name "-key"
#define A_SECRET_NAME                                                                              \
	"passw|passphrase|secret|token|credential|" A_KEY("api") "|" A_KEY("access") "|" A_KEY(    \
		"private") "|" A_KEY("encryption") "|" A_KEY("signing")
#define A_AWS_SECRET                                                                               \
	A_JOINED("secret", "key")                                                                  \
	"|" A_JOINED("secretaccess", "key") "|" A_JOINED("secret_access", "key") "|" A_JOINED(     \
		"secret-access", "key") "|" A_JOINED("secret access",                              \
						     "key") "|" A_JOINED("aws", "secret")

const struct detector detectors_context[] = {
	{
		.name = "aws-secret-access-key",
		.description = "AWS secret access key, named or beside its id",
		.pattern = "(?|(?i)(?:secret[_ -]?(?:access[_ -]?)?key|aws[_ "
			   "-]?secret)[^A-Za-z0-9/+\\n]{1,16}"
			   "([a-z0-9/+]{40})(?![A-Za-z0-9/+=])|"
			   "(?:AKIA|ASIA)[A-Z0-9]{16}(?:[^A-Za-z0-9/+]|\\\\[nrt]){1,16}"
			   "([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=]))",
		.anchor = "(?i)" A_AWS_SECRET "|(?-i)(?:AKIA|ASIA)[A-Z0-9]{16}",
		.validate = valid_mixed,
		.style = MASK_ALL,
	},
	{
		.name = "aws-session-token",
		.description = "AWS session token, named",
		.pattern = "(?i)(?:session|security)[_-]?token[^A-Za-z0-9/+\\n]{1,16}"
			   "([A-Za-z0-9/+]{100,1200}={0,2})",
		.anchor = "(?i)sessiontoken|session_token|session-token|securitytoken|"
			  "security_token|security-token",
		.validate = valid_mixed,
		.style = MASK_ALL,
		.tail = TAIL_BASE64,
	},
	{
		.name = "authorization-header",
		.description = "Credentials of an HTTP Authorization header, a bearer token, an "
			       "API key header",
		.pattern = "(?i)(?|authorization" ASSIGN QUOTE "?"
			   "(?:bearer|basic|token|apikey|negotiate|digest)[ "
			   "]{1,4}([A-Za-z0-9._~+/=:-]{8,900})|" BEGIN_NOT(
				   "a-z0-9/_.-") "bearer[ "
						 "]{1,4}([A-Za-z0-9._~+/"
						 "-]{20,900}={0,2})|" BEGIN_NOT(
							 "a-z") "x-(?:api-"
								"key|auth-"
								"token|"
								"access-"
								"token|"
								"vault-"
								"token"
								")" ASSIGN QUOTE "?([A-Za-z0-"
								"9._~+/"
								"=-]{8,900})"
								")",
		.anchor = "(?i)authorization|bearer |x-api-key|x-auth-token|x-access-token|"
			  "x-vault-token",
		.screen = screen_assigned,
		.validate = valid_token,
		.style = MASK_ALL,
		.tail = TAIL_BASE64,
		.generic = true,
	},
	{
		.name = "basic-credentials",
		.description = "User and password of HTTP basic authentication",
		.pattern =
			"(?i)" BEGIN_NOT("a-z0-9/_.-") "basic[ ]{1,4}([A-Za-z0-9+/]{6,900}={0,2})",
		.anchor = "(?i)basic ",
		.screen = screen_basic,
		.validate = valid_basic,
		.style = MASK_ALL,
		.tail = TAIL_BASE64,
	},
	{
		.name = "url-credentials",
		.description = "User and password, or token, in a URL",
		.pattern = "[A-Za-z][A-Za-z0-9+.-]{0,30}:\\\\{0,3}/\\\\{0,3}/"
			   "([^\\s/@\"'`<>\\\\]{0,128}:[^\\s/@\"'`<>\\\\]{1,256}|[^\\s/"
			   ":@\"'`<>\\\\]{20,256})"
			   "@[A-Za-z0-9\\[]",
		.anchor = "://",
		.screen = screen_userinfo,
		.reach = 34,
		.validate = valid_userinfo,
		.style = MASK_ALL,
	},
	{
		.name = "url-parameter",
		.description = "Credential in a query parameter",
		.pattern =
			"(?i)[?&](?:(?:access|auth|id|refresh|api)[_-]?token|token|api[_-]?key|key|"
			"secret|"
			"client[_-]?secret|password|passwd|pwd|pass|auth|signature|x-amz-signature|"
			"x-amz-security-token|x-goog-signature)="
			"([^&\\s\"'`<>#;\\\\]{8,900})",
		.anchor = "(?i)[?&][a-z_-]{0,16}(?:token|key|secret|password|passwd|pwd|pass|auth|"
			  "signature)="
			  "[^&\\s\"'`<>#;\\\\]{8}",
		.validate = valid_secret,
		.style = MASK_ALL,
	},
	{
		.name = "azure-storage-key",
		.description = "Azure storage account or shared access key",
		.pattern =
			"(?i)(?:account|sharedaccess|primary|secondary)_?key" ASSIGN QUOTE "?(?-i)"
			"([A-Za-z0-9+/]{43,86}={1,2})",
		.anchor = "(?i)accountkey|account_key|sharedaccesskey|sharedaccess_key|primarykey|"
			  "primary_key|secondarykey|secondary_key",
		.screen = screen_assigned,
		.validate = valid_mixed,
		.style = MASK_ALL,
	},
	{
		.name = "azure-sas",
		.description = "Signature of an Azure shared access signature",
		.pattern = "(?i)" BEGIN_NOT("a-z") "sig=([A-Za-z0-9%+/_-]{40,130}(?:=|%3d){0,2})",
		.anchor = "(?i)sig=[A-Za-z0-9%+/_-]{40}",
		.reach = 1,
		.validate = valid_mixed,
		.style = MASK_ALL,
	},
	{
		.name = "azure-client-secret",
		.description = "Microsoft Entra client secret",
		.pattern = BEGIN_NOT(
			"A-Za-z0-9_~.-") "([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"
					 "(?![A-Za-z0-9_~.-])",
		.anchor = "[0-9]Q~[A-Za-z0-9_~.-]{8}",
		.reach = 4,
		.validate = valid_mixed,
		.style = MASK_ALL,
	},
	{
		.name = "connection-string",
		.description = "Password in a database connection string",
		/* one item of a list; what is far away is not asked for, or a text of nothing but
		 * such items would take seconds */
		.pattern = "(?i)(?|;[ ]?(?:password|pwd)=([^;\"'`\\s]{2,200}+)|" BEGIN_NOT(
			"a-z") "(?:password|pwd)=([^;\"'`\\s]{2,200}+);[ ]?[a-z][a-z "
			       "]{1,24}=|" BEGIN_NOT("a-z") "[a-z]{3,12}=[^\\s=;]{1,64} "
							    "(?:password|pwd)=([^;\"'`\\s]{2,200}+)"
							    ")",
		.anchor = "(?i)(?:[; "
			  "](?:password|pwd)=[^;\"'`\\s]|(?:password|pwd)=[^;\"'`\\s]{2,200};)",
		.reach = 80,
		.validate = valid_password,
		.style = MASK_ALL,
	},
	{
		.name = "generic-secret",
		.description =
			"Random value assigned to a name like password, secret, api_key, token",
		.pattern = "(?i)" SECRET_NAME
			   "(?!(?<!secret)[_-]?ids?(?![a-z0-9]))[a-z0-9_.-]{0,20}" ASSIGN
			   "(?|" QUOTE "([^\"'`\\\\\\s]{6,256}+)(?![ \\t\\r\\n])|"
			   "([A-Za-z0-9!@#$%^&*_+/=.~-]{8,256}+)(?![(\\[]))",
		/* the names only: what follows is looked at by screen */
		.anchor = "(?i)" A_SECRET_NAME,
		.reach = 16,
		.validate = valid_secret,
		.screen = screen_secret,
		.style = MASK_ALL,
		.tail = TAIL_BASE64,
		.generic = true,
	},
	{0},
};
