// SPDX-License-Identifier: Apache-2.0
/* The built in detectors of the inline data path: those of agent/mask that are regular. Names are
 * the same; docs/detectors.md says where these find less or more. */
#include "base/cleanup.h"
#include "policy/automaton.h"

#define W     "[A-Za-z0-9]"
#define U     "[A-Za-z0-9_-]"
#define D     "[0-9]"
#define ALNUM W

/* A token by its prefix: prefix and the bytes that commit it, how it goes on. */
#define TOKEN(n, c, prefix, first, rest)                                                           \
	{                                                                                          \
		.name = n, .called = c, .pattern = prefix first rest, .head = prefix first,        \
		.before = ALNUM, .style = SCAN_STYLE_ALL, .owns = true,                            \
	}
/* The same with a fixed length: more of the same is something else. */
#define TOKEN_END(n, c, prefix, first, rest, behind)                                               \
	{                                                                                          \
		.name = n, .called = c, .pattern = prefix first rest, .head = prefix first,        \
		.before = ALNUM, .after = behind, .style = SCAN_STYLE_ALL, .owns = true,           \
	}

/* Any first digit that an issuer has; the check knows the ranges. To tell them apart here would
 * multiply the states: each group of a number may be the first one of another. */
#define CARD(s)	     "[2-6]" D "{3}(" s D "{4}){3}(" s D "{3})?|3" D "{3}" s D "{6}" s D "{4,5}"
#define CARD_HEAD(s) "[2-6]" D "{3}" s D "{4}"
#define COUNTRIES                                                                                  \
	"(A[DELTZ]|B[AEGHIRY]|C[HRYZ]|D[EJKO]|E[EGS]|F[IKOR]|G[BEILRT]|HR|HN|HU|I[ELQST]|JO|"      \
	"K[WZ]|L[BCITUVY]|M[CDEKNRTU]|N[ILO]|OM|P[KLST]|QA|R[OSU]|S[ACDEIKMOTV]|T[LNR]|UA|V[AG]|"  \
	"XK|YE)"
#define PEM_KINDS "(|RSA |DSA |EC |OPENSSH |ENCRYPTED |ANY |PGP |SSH2 ENCRYPTED )"
#define PEM_LINE  "(\r|\n|\\\\r|\\\\n| |\t){1,8}"
#define PEM_BODY  "[A-Za-z0-9+/=:,. \t\r\n\\()]"

static const struct inline_detector table[] = {
	{
		.name = "us-ssn",
		.called = "a social security number",
		/* no area 000, 666, 9xx; no group 00; no serial 0000 */
		.pattern =
			"(00[1-9]|0[1-9]" D "|[1-578]" D "{2}|6([0-57-9]" D "|6[0-57-9]))-"
			"(0[1-9]|[1-9]" D ")-(000[1-9]|00[1-9]" D "|0[1-9]" D "{2}|[1-9]" D "{3})",
		.commit = 6,
		.before = "[A-Za-z0-9_./+-]",
		.after = "[A-Za-z0-9_/-]",
		.style = SCAN_STYLE_ALNUM,
	},
	{
		.name = "payment-card",
		.called = "a payment card number",
		.pattern = CARD("") "|" CARD(" ") "|" CARD("-"),
		/* eight digits name the issuer and are no secret: PCI DSS 4.0, 3.4.1 */
		.head = CARD_HEAD("") "|" CARD_HEAD(" ") "|" CARD_HEAD("-"),
		.before = "[A-Za-z0-9_.]",
		.after = "[A-Za-z0-9_]",
		.check = SCAN_CHECK_CARD,
		.style = SCAN_STYLE_ALNUM,
	},
	{
		.name = "iban",
		.called = "a bank account number",
		.pattern = COUNTRIES D "{2}([A-Z0-9]{11,30}|"
				       "( [A-Z0-9]{4}){2,7}( [A-Z0-9]{1,3})?)",
		.head = COUNTRIES D "{2} ?[A-Z0-9]{4}",
		.before = ALNUM,
		.after = ALNUM,
		.check = SCAN_CHECK_MOD97,
		.style = SCAN_STYLE_ALNUM,
		.owns = true,
	},
	{
		.name = "email",
		.called = "an e-mail address",
		/* from the '@' on: any word could be what stands before one */
		.pattern = "@([A-Za-z0-9-]+\\.)+([A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,})",
		/* image@2x.png, unit@1.service, git@host:path */
		.except = "@.*\\.(png|jpe?g|gif|svg|webp|avif|css|js|json|html?|ya?ml|xml|txt|exe|"
			  "dll|service|socket|timer|mount|slice|target)|"
			  "@(github\\.com|gitlab\\.com|bitbucket\\.org)",
		.head = "@[A-Za-z0-9-][A-Za-z0-9.-]",
		.after = ALNUM,
		.back = "[A-Za-z0-9._%+~-]",
		.back_max = 64,
		.style = SCAN_STYLE_ALNUM,
		/* else a domain would be live beside every other candidate: twice the states */
		.owns = true,
	},
	{
		.name = "phone",
		.called = "a telephone number",
		/* how many digits there are is for the check, so that few states do */
		.pattern = "\\+[1-9](" D "{9,}|" D "{0,2}([ -]|[ -]?\\(" D "+\\)[ -]?)" D "+([ -]" D
			   "{2,})+)",
		.commit = 8,
		.before = "[]A-Za-z0-9_.+)]",
		.after = "[A-Za-z0-9_]",
		.check = SCAN_CHECK_DIGITS,
		.style = SCAN_STYLE_ALNUM,
	},
	TOKEN_END("aws-access-key-id", "an AWS access key",
		  "(AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA)", "[A-Z2-7]{4}", "[A-Z0-9]{12}",
		  ALNUM),
	TOKEN("github-token", "a GitHub token", "gh[pousr]_", W "{4}", W "{32,}"),
	TOKEN("github-fine-grained-token", "a GitHub token", "github_pat_", W "{4}",
	      "[A-Za-z0-9_]{32,}"),
	TOKEN("gitlab-token", "a GitLab token", "gl(pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-",
	      U "{4}", U "{16,}"),
	TOKEN("slack-token", "a Slack token", "xox[abceoprs](\\.xox[bp])?-",
	      "[0-9A-Za-z][0-9A-Za-z-]", "[0-9A-Za-z-]{8,}"),
	TOKEN("stripe-key", "a Stripe key", "([rs]k_(live|test|prod)_|whsec_)", W "{4}", W "{12,}"),
	TOKEN_END("google-api-key", "a Google API key", "AIza", U "{4}", U "{31}", U),
	TOKEN("anthropic-key", "an Anthropic key", "sk-ant-", "[a-z0-9]{2}",
	      "[a-z0-9]{0,10}-" U "{20,}"),
	{
		.name = "openai-key",
		.called = "an OpenAI key",
		.pattern = "sk-((proj|svcacct|admin|None|or-v1)-" U "{24,}|" W "{32,})",
		.head = "sk-((proj|svcacct|admin|None|or-v1)-" U "{2}|" W "{8})",
		.before = ALNUM,
		.style = SCAN_STYLE_ALL,
		.owns = true,
	},
	TOKEN_END("npm-token", "an npm token", "npm_", W "{4}", W "{32}", ALNUM),
	TOKEN("pypi-token", "a PyPI token", "pypi-AgE", U "{2}", U "{42,}"),
	TOKEN_END("sendgrid-key", "a SendGrid key", "SG\\.", U "{6}", U "{14,20}\\." U "{39,50}",
		  U),
	TOKEN_END("huggingface-token", "a Hugging Face token", "(hf|api_org)_", "[A-Za-z]{4}",
		  W "{30,36}", ALNUM),
	TOKEN("jwt", "a JSON web token", "eyJ", U "{8}",
	      U "{7,}\\.(\\.|" U "{16,})(" U "*(\\." U "+){0,3})?"),
	{
		.name = "pem-private-key",
		.called = "a private key",
		.pattern = "-----BEGIN " PEM_KINDS "PRIVATE KEY( BLOCK)?-----" PEM_LINE
			   "([A-Za-z0-9+/=]{16}|Proc-Type: |Version: |Comment: )"
			   "(" PEM_BODY "|-" PEM_BODY ")*(-----END [A-Z0-9 ]{1,40}-----)?",
		.head = "-----BEGIN " PEM_KINDS "PRIV",
		.style = SCAN_STYLE_ALL,
		.owns = true,
	},
};

const struct inline_detector *inline_detectors(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(table);
	return table;
}
