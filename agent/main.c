// SPDX-License-Identifier: Apache-2.0
/* bailiffd: the keeper, and the roles that it starts anew from this same binary. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "keeper/keeper.h"
#include "keeper/roles.h"
#include "process/analyst.h"

static const char usage[] =
	"bailiffd [--policy DIR] [--state DIR] [--run DIR]\n"
	"\n"
	"Enforces the policy in DIR on the Claude Code clients of this host, and logs what they "
	"do.\n"
	"  --policy DIR  the policy (default /etc/bailiff)\n"
	"  --state DIR   keys (default /var/lib/bailiff)\n"
	"  --run DIR     sockets (default /run/bailiff)\n"
	"  --help, --version\n"
	"\n"
	"SIGHUP loads the policy again. SIGTERM ends the daemon; what it attached goes on "
	"enforcing\n"
	"until `bailiff detach`. Exit status: 0, 1 failed, 2 usage or a policy that is refused.\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"state", required_argument, NULL, 's'},
		{"run", required_argument, NULL, 'r'},
		{"role", required_argument, NULL, 'R'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct keeper_options keeper = {"/etc/bailiff", "/var/lib/bailiff", "/run/bailiff"};
	struct role_options role;
	const char *name = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'p':
			keeper.policy_directory = optarg;
			break;
		case 's':
			keeper.state_directory = optarg;
			break;
		case 'r':
			keeper.run_directory = optarg;
			break;
		case 'R':
			name = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("bailiffd " BAILIFF_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "bailiffd: unexpected argument '%s'\n%s", argv[optind], usage);
		return 2;
	}
	if (!name)
		return keeper_main(&keeper);
	role.policy_directory = keeper.policy_directory;
	role.state_directory = keeper.state_directory;
	if (strcmp(name, "reader") == 0)
		return reader_main(&role);
	if (strcmp(name, "courier") == 0)
		return courier_main(&role);
	if (strcmp(name, "analyst") == 0) {
		log_init("analyst", LOG_LEVEL_INFO);
		return analyst_main(ROLE_FD_FIRST, ROLE_USER_ANALYST);
	}
	fprintf(stderr, "bailiffd: no role '%s'\n", name);
	return 2;
}
