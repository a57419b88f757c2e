// SPDX-License-Identifier: Apache-2.0
/* One sentence for each reason. */
#include "decide/reason.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "identity/person.h"

/* More names than this are counted, not listed: the sentence is read in passing. */
#define REASON_NAMES_SHOWN 4

/* Kept back for "...", so that a cut is seen. */
#define REASON_ELLIPSIS "..."

static const char *const reason_words[] = {
	"none",
	"rule",
	"default",
	"not_inspected",
	"family",
	"malformed",
	"no_policy",
	"skill_not_listed",
	"skill_not_allowed",
	"approval_required",
	"unknown_person",
	"name_too_long",
	"socket_type",
	"resolver",
	"dns_query",
	"host_mismatch",
	"listen",
	"local_socket",
	"descriptor",
	"trace",
	"namespace",
	"device",
	"credential",
	"guard",
	"content",
	"compressed",
	"unreadable",
	"tool_not_allowed",
	"cgroup",
};
static_assert(ARRAY_SIZE(reason_words) == BAILIFF_REASON_MAX, "one per reason");

static const char *const verdict_words[] = {"allowed", "denied", "would_deny"};
static_assert(ARRAY_SIZE(verdict_words) == BAILIFF_VERDICT_MAX, "one per verdict");

static const char *const verdict_verbs[] = {"was allowed", "was refused", "would be refused"};
static_assert(ARRAY_SIZE(verdict_verbs) == BAILIFF_VERDICT_MAX, "one per verdict");

/* What is asked for at the end; "%s" is whom to ask. */
static const char *const reason_advice[] = {
	[BAILIFF_REASON_NONE] = "Ask %s.",
	[BAILIFF_REASON_RULE] = "Ask %s.",
	[BAILIFF_REASON_DEFAULT] = "Ask %s.",
	[BAILIFF_REASON_NOT_INSPECTED] = "Use the claude command itself, or ask %s.",
	[BAILIFF_REASON_FAMILY] = "Ask %s.",
	[BAILIFF_REASON_MALFORMED] = "Ask %s.",
	[BAILIFF_REASON_NO_POLICY] = "Ask %s to look at the agent of this host.",
	[BAILIFF_REASON_SKILL_NOT_LISTED] = "Ask %s to list it.",
	[BAILIFF_REASON_SKILL_NOT_ALLOWED] = "Ask %s.",
	[BAILIFF_REASON_APPROVAL] = "Ask %s for an approval.",
	[BAILIFF_REASON_UNKNOWN_PERSON] = "Ask %s to add this login.",
	[BAILIFF_REASON_NAME_TOO_LONG] = "Give it a shorter name, or ask %s.",
	[BAILIFF_REASON_SOCKET_TYPE] = "Ask %s.",
	[BAILIFF_REASON_RESOLVER] = "Ask %s for another name server.",
	[BAILIFF_REASON_QUERY] = "Ask %s to list the name.",
	[BAILIFF_REASON_HOST] = "Ask %s to list the name.",
	[BAILIFF_REASON_LISTEN] = "Listen on 127.0.0.1 alone, or ask %s.",
	[BAILIFF_REASON_LOCAL] = "Ask %s to list it.",
	[BAILIFF_REASON_DESCRIPTOR] = "Ask %s.",
	[BAILIFF_REASON_TRACE] = "Ask %s.",
	[BAILIFF_REASON_NAMESPACE] = "Ask %s.",
	[BAILIFF_REASON_DEVICE] = "Ask %s.",
	[BAILIFF_REASON_CREDENTIAL] = "Use the key that was given to you, or ask %s to enrol it.",
	[BAILIFF_REASON_GUARD] = "Ask %s.",
	[BAILIFF_REASON_CONTENT] = "Leave it out, or ask %s.",
	[BAILIFF_REASON_COMPRESSED] = "Ask %s.",
	[BAILIFF_REASON_UNREADABLE] = "Ask %s.",
	[BAILIFF_REASON_TOOL] = "Ask %s.",
	[BAILIFF_REASON_CGROUP] = "Try again; if it is refused again, ask %s.",
};
static_assert(ARRAY_SIZE(reason_advice) == BAILIFF_REASON_MAX, "one per reason");

/* Text that grows to a limit and remembers that it was cut. */
struct reason_text {
	char *data;
	size_t len, max;
	bool cut;
};

static void __attribute__((format(printf, 2, 3)))
reason_add(struct reason_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->data + t->len, t->max - t->len + 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > t->max - t->len) {
		t->cut = true;
		t->len = t->max;
	} else {
		t->len += (size_t)n;
	}
}

/* Whole UTF-8 sequences only: half of one would make the event's text invalid. */
static void reason_mark_cut(struct reason_text *t)
{
	size_t mark = strlen(REASON_ELLIPSIS);

	if (!t->cut || t->max < mark)
		return;
	t->len = t->max - mark;
	while (t->len && ((unsigned char)t->data[t->len] & 0xC0) == 0x80)
		t->len--;
	memcpy(t->data + t->len, REASON_ELLIPSIS, mark + 1);
	t->len += mark;
}

/* "a", "a and b", "a, b and c", "a, b, c, d and 3 more" */
static void reason_add_name(struct reason_text *t, const char *name, size_t i, size_t n)
{
	size_t shown = n > REASON_NAMES_SHOWN ? REASON_NAMES_SHOWN : n;

	if (i >= shown)
		return;
	if (i > 0)
		reason_add(t, "%s", i + 1 == n ? " and " : ", ");
	reason_add(t, "%s", name);
	if (i + 1 == shown && n > shown)
		reason_add(t, " and %zu more", n - shown);
}

static void reason_add_teams(struct reason_text *t, const struct policy *policy, uint64_t teams)
{
	size_t n = 0, k = 0;
	const char *team;

	for (unsigned int i = 0; person_next_team(policy, teams, &i);)
		n++;
	for (unsigned int i = 0; (team = person_next_team(policy, teams, &i)); k++)
		reason_add_name(t, team, k, n);
}

static unsigned int reason_count_teams(const struct policy *policy, uint64_t teams)
{
	unsigned int n = 0;

	for (unsigned int i = 0; person_next_team(policy, teams, &i);)
		n++;
	return n;
}

static void reason_add_person(struct reason_text *t, const struct reason_case *c)
{
	const struct policy_person *who = person_by_index(c->policy, c->person);

	if (who && who->email)
		reason_add(t, "%s", who->email);
	else
		reason_add(t, "uid %u", c->uid);
}

static void reason_add_membership(struct reason_text *t, const struct reason_case *c)
{
	const struct policy_person *who = person_by_index(c->policy, c->person);
	unsigned int n = who ? reason_count_teams(c->policy, who->teams) : 0;

	reason_add_person(t, c);
	if (!who) {
		reason_add(t, " is nobody in the directory");
	} else if (n == 0) {
		reason_add(t, " is in no team");
	} else {
		reason_add(t, " is in ");
		reason_add_teams(t, c->policy, who->teams);
	}
}

/* Of these the one called as a rule's id, "skill/NAME" say, has it behind the prefix. */
static const struct policy_skill *reason_find(const struct policy_skill *list, size_t n,
					      const char *prefix, const char *id)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; id && strncmp(id, prefix, len) == 0 && i < n; i++)
		if (list[i].name && strcmp(list[i].name, id + len) == 0)
			return &list[i];
	return NULL;
}

/* The skill or the tool that the rule is about. */
static const struct policy_skill *reason_skill(const struct reason_case *c)
{
	if (!c->policy || !c->rule)
		return NULL;
	if (c->rule->kind == POLICY_RULE_SKILL)
		return reason_find(c->policy->skills, c->policy->n_skills, "skill/", c->rule->id);
	if (c->rule->kind == POLICY_RULE_TOOL)
		return reason_find(c->policy->tools, c->policy->n_tools, "tools/", c->rule->id);
	return NULL;
}

/* "it is for teams engineers and data-team" */
static void reason_add_audience(struct reason_text *t, const struct policy *policy,
				const struct policy_skill *skill)
{
	unsigned int teams = reason_count_teams(policy, skill->allowed_teams);
	size_t users = 0;

	while (skill->allowed_users && skill->allowed_users[users])
		users++;
	if (teams == 0 && users == 0) {
		reason_add(t, "it is for nobody");
		return;
	}
	reason_add(t, "it is for ");
	if (teams) {
		reason_add(t, "team%s ", teams == 1 ? "" : "s");
		reason_add_teams(t, policy, skill->allowed_teams);
	}
	if (teams && users)
		reason_add(t, ", and for ");
	for (size_t i = 0; i < users; i++)
		reason_add_name(t, skill->allowed_users[i], i, users);
}

static void reason_add_rule(struct reason_text *t, const struct reason_case *c)
{
	if (!c->rule || !c->rule->id)
		reason_add(t, "a rule of the policy decides so");
	else if (c->rule->words && c->rule->words[0])
		reason_add(t, "rule %s: %s", c->rule->id, c->rule->words);
	else
		reason_add(t, "rule %s decides so", c->rule->id);
}

static void reason_add_why(struct reason_text *t, const struct reason_case *c)
{
	const struct policy_skill *skill = reason_skill(c);

	switch (c->reason) {
	case BAILIFF_REASON_RULE:
		reason_add_rule(t, c);
		break;
	case BAILIFF_REASON_DEFAULT:
		if (c->verdict == BAILIFF_ALLOW) {
			reason_add(t, "no rule of the policy forbids it");
			break;
		}
		reason_add(t, "no rule of the policy allows it to ");
		reason_add_person(t, c);
		break;
	case BAILIFF_REASON_NOT_INSPECTED:
		reason_add(t, "on this host only inspected Claude Code processes reach the model "
			      "API, and this process is not one");
		break;
	case BAILIFF_REASON_FAMILY:
		reason_add(t, "its address family is not one that the policy knows");
		break;
	case BAILIFF_REASON_MALFORMED:
		reason_add(t, "its address is too short or cannot be read");
		break;
	case BAILIFF_REASON_NO_POLICY:
		reason_add(t, "a part of the policy that must be there is not in force");
		break;
	case BAILIFF_REASON_SKILL_NOT_LISTED:
		reason_add(t, "it is not in the list of skills, and what is not listed is refused");
		break;
	case BAILIFF_REASON_SKILL_NOT_ALLOWED:
	case BAILIFF_REASON_TOOL:
		if (skill)
			reason_add_audience(t, c->policy, skill);
		else if (c->reason == BAILIFF_REASON_TOOL && !c->rule)
			reason_add(t, "it is a tool for others");
		else
			reason_add_rule(t, c);
		reason_add(t, ", and ");
		reason_add_membership(t, c);
		break;
	case BAILIFF_REASON_APPROVAL:
		reason_add(t, "it needs an approval, and there is none for ");
		reason_add_person(t, c);
		break;
	case BAILIFF_REASON_UNKNOWN_PERSON:
		reason_add(t, "the login with uid %u belongs to nobody in the directory", c->uid);
		break;
	case BAILIFF_REASON_NAME_TOO_LONG:
		reason_add(t, "its name is longer than %d bytes", SKILL_NAME_SIZE - 1);
		break;
	case BAILIFF_REASON_SOCKET_TYPE:
		reason_add(t, "sockets of this family, type or protocol are not on the list");
		break;
	case BAILIFF_REASON_RESOLVER:
		reason_add(t, "it is not one of the name servers that the policy gives");
		break;
	case BAILIFF_REASON_QUERY:
		reason_add(t, "names that no rule lists are not asked for here");
		break;
	case BAILIFF_REASON_HOST:
		reason_add(t, "the request names a host that the policy did not open this "
			      "connection for");
		break;
	case BAILIFF_REASON_LISTEN:
		reason_add(t, "others than this host could connect to it");
		break;
	case BAILIFF_REASON_LOCAL:
		if (c->verdict == BAILIFF_ALLOW) {
			reason_add(t, "a process of the same Claude Code listens there");
			break;
		}
		reason_add(t, "it belongs to a process that Claude Code did not start, and is not "
			      "on the list");
		break;
	case BAILIFF_REASON_DESCRIPTOR:
		reason_add(t, "a socket was handed over by a process that Claude Code did not "
			      "start");
		break;
	case BAILIFF_REASON_TRACE:
		reason_add(t, "the process is none that Claude Code started");
		break;
	case BAILIFF_REASON_NAMESPACE:
		reason_add(t, "a user namespace would bring a network of its own");
		break;
	case BAILIFF_REASON_DEVICE:
		reason_add(t, "this device carries packets past the policy");
		break;
	case BAILIFF_REASON_CREDENTIAL:
		reason_add(t, "the key on the request is not one that was enrolled for ");
		reason_add_person(t, c);
		break;
	case BAILIFF_REASON_GUARD:
		reason_add(t, "it is a part of bailiff");
		break;
	case BAILIFF_REASON_CONTENT:
		if (c->rule && c->rule->id)
			reason_add_rule(t, c);
		else
			reason_add(t, "a detector of the policy found something in it");
		break;
	case BAILIFF_REASON_COMPRESSED:
		reason_add(t, "it came compressed, and so could not be gone over");
		break;
	case BAILIFF_REASON_UNREADABLE:
		reason_add(t, "it could not be gone over for what the policy looks for");
		break;
	case BAILIFF_REASON_CGROUP:
		reason_add(t,
			   "this cgroup is new to bailiff, and its packets were not looked after "
			   "yet");
		break;
	case BAILIFF_REASON_NONE:
	case BAILIFF_REASON_MAX:
	default:
		reason_add(t, "no reason was recorded");
		break;
	}
}

static void reason_add_what(struct reason_text *t, const char *what)
{
	size_t from = t->len;

	reason_add(t, "%s", what && what[0] ? what : "this");
	/* an escape sequence in a directory's name must not drive the reader's terminal */
	for (size_t i = from; i < t->len; i++)
		if ((unsigned char)t->data[i] < 0x20 || t->data[i] == 0x7F)
			t->data[i] = '?';
	if (from < t->len && t->data[from] >= 'a' && t->data[from] <= 'z')
		t->data[from] = (char)(t->data[from] - ('a' - 'A'));
}

bool reason_is_masking(const struct reason_found *found)
{
	return found->action == SCAN_MASK || found->repeat;
}

static const char *reason_verb(const struct reason_case *c, const struct reason_found *found)
{
	if ((unsigned int)c->verdict >= BAILIFF_VERDICT_MAX)
		return "was judged";
	if (found && reason_is_masking(found) && c->verdict == BAILIFF_DENY)
		return "was masked";
	if (found && reason_is_masking(found) && c->verdict == BAILIFF_WOULD_DENY)
		return "would be masked";
	return verdict_verbs[c->verdict];
}

/* What became of it: the client's own error says the same, and may have scrolled away. */
static const char *reason_fate(const struct reason_case *c, const struct reason_found *found)
{
	if (!found || c->verdict != BAILIFF_DENY || found->action == SCAN_MASK)
		return "";
	if (found->repeat)
		return " It was blocked before; where it comes again it is masked.";
	if (!found->sent)
		return " It was made unusable before Claude Code had it.";
	if (found->action == SCAN_APPROVE)
		return " It was not sent; approval was requested.";
	if (c->reason == BAILIFF_REASON_CONTENT)
		return " It was not sent; where it comes again it is masked.";
	return " It was not sent.";
}

static const char *reason_advise(const struct reason_case *c, const struct reason_found *found)
{
	if ((unsigned int)c->reason >= BAILIFF_REASON_MAX)
		return reason_advice[BAILIFF_REASON_NONE];
	if (!found || c->reason != BAILIFF_REASON_CONTENT)
		return reason_advice[c->reason];
	if (found->action == SCAN_APPROVE)
		return reason_advice[BAILIFF_REASON_APPROVAL];
	/* who was answered cannot leave it out, and what is masked need not be */
	if (!found->sent || found->action == SCAN_MASK)
		return reason_advice[BAILIFF_REASON_RULE];
	return reason_advice[c->reason];
}

static void reason_add_tail(struct reason_text *t, const struct reason_case *c,
			    const struct reason_found *found)
{
	const char *contact = c->policy ? c->policy->contact : NULL;
	const char *advice = reason_advise(c, found);
	const char *place = strstr(advice, "%s");
	char whom[256]; /* longer than the tail may be: what it cuts, the tail cuts first */

	if (c->verdict == BAILIFF_ALLOW)
		return;
	if (c->verdict == BAILIFF_WOULD_DENY) {
		reason_add(t, found && reason_is_masking(found) ? " Nothing was changed."
								: " Nothing was stopped.");
		return;
	}
	if (contact && contact[0])
		snprintf(whom, sizeof(whom), "%s", contact);
	else if (c->policy && c->policy->organisation && c->policy->organisation[0])
		snprintf(whom, sizeof(whom), "the security team of %s", c->policy->organisation);
	else
		snprintf(whom, sizeof(whom), "the administrator of this host");
	reason_add(t, " %.*s%s%s", (int)(place - advice), advice, whom, place + 2);
}

int reason_sentence_found(const struct reason_case *c, const struct reason_found *found, char *ret,
			  size_t size)
{
	char tail_data[REASON_SENTENCE_SIZE];
	struct reason_text tail = {.data = tail_data, .max = REASON_SENTENCE_MAX / 2};
	struct reason_text head = {.data = ret};
	const char *fate = reason_fate(c, found);

	if (size < REASON_SENTENCE_SIZE)
		return -ENOSPC;
	tail_data[0] = ret[0] = 0;
	reason_add_tail(&tail, c, found);
	reason_mark_cut(&tail);
	/* whom to ask stays whole: a rule's words or a skill's name may be as long as they like */
	head.max = REASON_SENTENCE_MAX - strlen(fate) - tail.len - 1;
	reason_add_what(&head, c->what);
	reason_add(&head, " %s: ", reason_verb(c, found));
	reason_add_why(&head, c);
	reason_mark_cut(&head);
	head.max = REASON_SENTENCE_MAX;
	reason_add(&head, ".%s%s", fate, tail_data);
	return 0;
}

int reason_sentence(const struct reason_case *c, char *ret, size_t size)
{
	return reason_sentence_found(c, NULL, ret, size);
}

const char *reason_to_string(enum bailiff_reason reason)
{
	return (unsigned int)reason < BAILIFF_REASON_MAX ? reason_words[reason] : "unknown";
}

const char *reason_verdict_to_string(enum bailiff_verdict verdict)
{
	return (unsigned int)verdict < BAILIFF_VERDICT_MAX ? verdict_words[verdict] : "unknown";
}
