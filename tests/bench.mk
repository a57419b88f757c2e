# SPDX-License-Identifier: Apache-2.0
# Benchmarks: ratios in one run, never part of a test. The method is in docs/performance.md.
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_BIN := $(BENCH_SRC:tests/bench/%.c=$(BUILD)/bench/%)

.PHONY: bench
$(BUILD)/gen/bench_empty.skel.h: tests/bench/empty.bpf.c $(BUILD)/gen/vmlinux.h
	$(Q)mkdir -p $(BUILD)/bench && $(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_x86 -I$(BUILD)/gen -c $< -o $(BUILD)/bench/empty.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $(BUILD)/bench/empty.bpf.o name bench_empty > $@

# Two files with the same in them: a probe goes by its file.
$(BUILD)/bench/libbench_ssl.so $(BUILD)/bench/libbench_ssl2.so: tests/bench/standin_ssl.c
	$(Q)mkdir -p $(@D) && $(CC) -O2 -fPIC -shared -Wall -Wextra -o $@ $<

$(BUILD)/bench/bench_capture: tests/bench/sslsniff.c tests/bench/sslsniff.h \
	| $(BUILD)/bench/libbench_ssl.so $(BUILD)/bench/libbench_ssl2.so

$(BUILD)/bench/bench_net: tests/bench/place.c tests/bench/net_tables.c tests/bench/place.h tests/bench/net_tables.h

# The stand-in library of the proof in the VM is what this one measures on.
$(BUILD)/bench/bench_inline: vmtests/inline/world.c vmtests/inline/world.h
$(BUILD)/bench/bench_inline: CPPFLAGS += -Ivmtests/inline -Itests/unit

$(BUILD)/bench/%: tests/bench/%.c $(LIB) $(BUILD)/gen/bench_empty.skel.h
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(CFLAGS) -Wall -Wextra $(CPPFLAGS) $(PC_CFLAGS) -Wl,-z,noseparate-code -o $@ $(filter %.c,$^) $(LIB) $(LDLIBS) -lpthread

bench: $(BENCH_BIN) ## measure: cost of capture, throughput, memory (NAME=bench_x: one)
	$(Q)for b in $(if $(NAME),$(BUILD)/bench/$(NAME),$(sort $(BENCH_BIN))); do $$b || exit 1; done
	$(Q)$(if $(filter-out bench_inline,$(NAME)),:,/usr/bin/python3 tests/bench/proxy.py $(BUILD)/bench/bench_inline)
