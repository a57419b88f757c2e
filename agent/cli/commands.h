/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of bailiff. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int cmd_locate(int argc, char **argv);

#endif
