/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test program includes. A program ends with
 *	UNIT_MAIN(unit(test_one), unit(test_two))
 * Each case runs in a child of its own; one that leaves a descriptor open fails. */
#ifndef UNIT_HARNESS_H
#define UNIT_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct unit_case {
	const char *name;
	void (*run)(void **state);
};

#define unit(f)                                                                                    \
	{                                                                                          \
#f, f                                                                              \
	}
int unit_run(const char *program, const struct unit_case *cases, size_t n, int argc, char **argv);
#define UNIT_MAIN(...)                                                                             \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct unit_case cases[] = {__VA_ARGS__};                             \
		return unit_run(__FILE__, cases, sizeof(cases) / sizeof(cases[0]), argc, argv);    \
	}

#endif
