# SPDX-License-Identifier: Apache-2.0
# Unit tests, fuzz targets, lint. Included by the Makefile.
SAN      := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_OBJ  := $(LIB_SRC:%.c=$(BUILD)/san/%.o)
SAN_LIB  := $(BUILD)/san/libbailiff.a
SAN_CFLAGS = -std=gnu11 -O1 -g $(SAN) $(WARN) $(CPPFLAGS) -DBAILIFF_TESTING $(PC_CFLAGS)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_SECONDS ?= 60

.PHONY: check unit lint fuzz fuzz-smoke test
$(BUILD)/san/%.o: %.c | $(BUILD)/.deps $(SKELS)
	$(call say,CC-SAN,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(SAN_CFLAGS) -MMD -MP -c $< -o $@

$(SAN_LIB): $(SAN_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

# tests/unit/harness.c gives each case a process of its own and fails one that leaks a descriptor
# (compiled by itself: two sources in one call would leave the dependencies of the last in the .d)
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/san/tests/unit/harness.o $(SAN_LIB)
	$(call say,UNIT,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(SAN_CFLAGS) -Itests/unit -MMD -MP -MF $@.d -o $@ $< \
		$(BUILD)/san/tests/unit/harness.o $(SAN_LIB) $(LDLIBS) -lcmocka

.SECONDARY: $(BUILD)/san/tests/unit/harness.o

unit: $(UNIT_BIN) ## run the unit tests (NAME=test_x runs one program)
	$(Q)sh tests/run-unit.sh $(BUILD) $(if $(NAME),$(BUILD)/unit/$(NAME),$(sort $(UNIT_BIN)))

FUZZ_CFLAGS = -std=gnu11 -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	$(CPPFLAGS) -DBAILIFF_TESTING $(PC_CFLAGS)
$(BUILD)/fuzzobj/%.o: %.c | $(BUILD)/.deps $(SKELS)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/fuzzobj/libbailiff.a: $(LIB_SRC:%.c=$(BUILD)/fuzzobj/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^
$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/fuzzobj/libbailiff.a
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(BUILD)/fuzzobj/libbailiff.a $(LDLIBS)

fuzz: $(FUZZ_BIN) ## run each fuzz target for FUZZ_SECONDS (60) from its corpus (NAME=fuzz_x: one)
	$(Q)sh tests/fuzz/run.sh $(BUILD) $(FUZZ_SECONDS) $(if $(NAME),$(BUILD)/fuzz/$(NAME),$(sort $(FUZZ_BIN)))

fuzz-smoke: $(FUZZ_BIN) ## run each fuzz target over its corpus once
	$(Q)sh tests/fuzz/run.sh $(BUILD) 0 $(sort $(FUZZ_BIN))

# One failure does not keep the others from running; the last line says how many there were. A part
# that fails before it has counted anything, as one that does not build, is a failure too.
part = $(Q)before=$$(cat $(BUILD)/results 2>/dev/null | wc -l); $(MAKE) --no-print-directory $(1) || \
	awk -v from="$$before" 'NR > from && $$3 > 0 { told = 1 } END { exit !told }' \
		$(BUILD)/results || { echo '  FAIL     $(1)'; echo 'part 0 1 0' >>$(BUILD)/results; }

check: $(BUILD)/.deps ## lint and unit tests, without VMs
	$(Q)rm -f $(BUILD)/results
	$(call part,lint)
	$(call part,-j2 unit)
	$(Q)sh tests/summary.sh $(BUILD)

test: $(BUILD)/.deps ## everything: lint, unit tests, VM tests
	$(Q)rm -f $(BUILD)/results
	$(call part,lint)
	$(call part,-j2 unit)
	$(call part,-j2 all)
	$(call part,vm-selftest)
	$(call part,vmtests)
	$(Q)sh tests/summary.sh $(BUILD)

lint: $(BUILD)/.deps ## formatting, static analysis, house rules
	$(Q)sh tests/lint/run.sh $(BUILD)

-include $(SAN_OBJ:.o=.d) $(BUILD)/san/tests/unit/harness.d $(UNIT_BIN:=.d) $(LIB_SRC:%.c=$(BUILD)/fuzzobj/%.d)
