/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of `bailiff` and what their exit statuses mean. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* Exit statuses of every subcommand; docs/man/bailiff.1 has the same list. */
enum cli_status {
	CLI_OK,		   /* done; for a question, the answer is yes */
	CLI_FAILED,	   /* could not be carried out */
	CLI_USAGE,	   /* wrong usage, or input (a policy) that is not valid */
	CLI_REFUSED,	   /* carried out, and the answer is no: refused, not found, not intact */
	CLI_NOT_RUNNING,   /* the agent is not there */
	CLI_NOT_PERMITTED, /* this user may not ask that */
	CLI_STATUS_MAX,
};

/* Each takes argv[0] = its own name and the arguments after it, understands --help, prints to
 * stdout what was asked for and to stderr what went wrong, and returns an enum cli_status. */
int cmd_detach(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_locate(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_trust(int argc, char **argv);
int cmd_why(int argc, char **argv);

/* main() without the process around it. Returns an enum cli_status. */
int cli_run(int argc, char **argv);

#endif
