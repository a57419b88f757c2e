/* SPDX-License-Identifier: Apache-2.0 */
/* The roles of the one binary, and the descriptors that the keeper hands each of them. */
#ifndef KEEPER_ROLES_H
#define KEEPER_ROLES_H

#define ROLE_FD_FIRST	3 /* the socket to the keeper */
#define ROLE_FD_DENIALS 4 /* reader: ring buffers */
#define ROLE_FD_RECORDS 5

#define ROLE_USER_READER  "bailiff-reader"
#define ROLE_USER_ANALYST "bailiff-analyst"
#define ROLE_USER_COURIER "bailiff-courier"

struct role_options {
	const char *policy_directory;
	const char *state_directory;
};

/* Each runs until the keeper closes its socket; returns the exit status of the process. */
int reader_main(const struct role_options *options);
int courier_main(const struct role_options *options);

#endif
