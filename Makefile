# SPDX-License-Identifier: Apache-2.0
# bailiff: one Makefile. `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
# kernel objects stay: they are looked at with bpftool, and tests load them
.PRECIOUS: $(BUILD)/bpf/%.bpf.o

BUILD   ?= build
CC      := gcc
CLANG   ?= clang
BPFTOOL ?= /usr/sbin/bpftool
PREFIX  ?= /usr
DESTDIR ?=

# Quiet by default; V=1 shows each command.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
        -Wpointer-arith -Wwrite-strings -Wundef -Wno-unused-parameter -Werror
HARD := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -fno-strict-aliasing
LIBS_PC := libbpf libcrypto jansson yaml-0.1 libhs libpcre2-8 zlib libbrotlidec libzstd libseccomp libcap libpsl
PC_CFLAGS = $(shell pkg-config --cflags $(LIBS_PC))
LDLIBS  = $(shell pkg-config --libs $(LIBS_PC)) -lZydis -lresolv -lfa
CFLAGS  ?= -O2 -g
CPPFLAGS := -D_GNU_SOURCE -I. -Iagent -I$(BUILD)/gen
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(HARD) $(WARN) $(CPPFLAGS) $(PC_CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)

# Every stage is a folder; a new file in one is picked up here without a change.
STAGES  := base kernel process identity tls wire decide mask audit forward keeper reader courier
LIB_SRC := $(foreach d,$(STAGES),$(wildcard agent/$(d)/*.c)) $(wildcard policy/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
CLI_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard agent/cli/*.c))
LIB     := $(BUILD)/libbailiff.a
BPF_SRC := $(wildcard bpf/*.bpf.c)
SKELS   := $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/gen/%.skel.h)

include $(wildcard tests/*.mk vmtests/*.mk agent/deploy/*.mk)

.DEFAULT_GOAL := all
.PHONY: all clean help install deps
all: $(BUILD)/.deps $(BUILD)/bailiffd $(BUILD)/bailiff ## build bailiffd and bailiff

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile $(wildcard tests/*.mk vmtests/*.mk agent/deploy/*.mk) | expand -t 16

deps: $(BUILD)/.deps ## install the Debian packages that the build and the tests need
$(BUILD)/.deps: tests/packages.txt tests/install-packages.sh
	$(call say,DEPS,Debian packages)
	$(Q)mkdir -p $(BUILD) && sh tests/install-packages.sh tests/packages.txt && touch $@

$(BUILD)/gen/vmlinux.h: | $(BUILD)/.deps
	$(call say,BTF,$@)
	$(Q)mkdir -p $(@D) && $(BPFTOOL) btf dump file $(or $(VMLINUX_BTF),/sys/kernel/btf/vmlinux) format c > $@

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BUILD)/gen/vmlinux.h | $(BUILD)/.deps
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_x86 -mcpu=v3 \
		-Wall -Wextra -Wno-unused-parameter -Wno-missing-declarations -Werror -I. -Ibpf -I$(BUILD)/gen -MMD -MP -c $< -o $@

$(BUILD)/gen/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name bailiff_$* > $@

$(BUILD)/%.o: %.c | $(BUILD)/.deps $(SKELS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/bailiffd: $(BUILD)/agent/main.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/bailiff: $(CLI_OBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

clean: ## remove what was built (downloads in build/cache stay)
	$(Q)find $(BUILD) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(BUILD)/agent/main.d $(wildcard $(BUILD)/bpf/*.d)
