# SPDX-License-Identifier: Apache-2.0
# What takes longer than `make lint` may, and what changes files.
TIDY_SRC ?= $(LIB_SRC) $(wildcard agent/main.c agent/cli/*.c)

.PHONY: tidy format
tidy: $(BUILD)/.deps $(SKELS) ## clang-tidy (TIDY_SRC="a.c b.c": only these; takes minutes)
	$(Q)printf '%s\n' $(TIDY_SRC) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 \
		$(CPPFLAGS) $(PC_CFLAGS) -Wno-unused-parameter' tidy

format: ## clang-format every C file in place
	$(Q)git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i
