/* SPDX-License-Identifier: Apache-2.0 */
/* Gives privileges up for good: own user, no capabilities, no new ones, a list of system calls, and
 * where the kernel has Landlock, one readable directory. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

enum sandbox_profile {
	SANDBOX_READER,	 /* rings and a socket that are open already; reads the policy directory */
	SANDBOX_ANALYST, /* a socket that is open already; maps the files it is handed */
	SANDBOX_COURIER, /* asks name servers; reads the policy directory and the log */
	SANDBOX_PROFILE_MAX,
};

/* Enters the profile; there is no way back. user: the account to become. readable: a directory that
 * may be read (NULL: none). Every failure is final: -errno, logged; the caller must end. */
int sandbox_enter(enum sandbox_profile profile, const char *user, const char *readable);

#endif
