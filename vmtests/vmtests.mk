# SPDX-License-Identifier: Apache-2.0
# Tests in virtual machines, and the demonstration. Included by the Makefile.
VM_SCENARIOS = $(sort $(patsubst vmtests/scenarios/%.sh,%,$(wildcard vmtests/scenarios/*.sh)))
VM_STORY = story
VM_DOORS = doors children
VM_NAMES = host names cgroups memory
VM_CLIENTS = world recognise proof
VM_GUARD = guard unguarded verifier
VM_LONG = survive borrowed load scale
# lockdown last: what comes after it in the boot cannot mask
VM_REASONS = terminal window inline-screen lockdown
VM_INLINE = inline inline-values tamper
# ways out that are tried with many clients each
VM_WAYS = key mcp http2 ledger
VM_PARTS = $(filter-out $(VM_STORY) $(VM_DOORS) $(VM_NAMES) $(VM_GUARD) $(VM_LONG) $(VM_REASONS) $(VM_INLINE) \
	$(VM_WAYS) $(VM_CLIENTS) smoke bypass cost recorded,$(VM_SCENARIOS))
# a list of LSMs without bpf: the programs go to the functions behind the hooks
VM_NO_BPF = lockdown,yama,apparmor
VM_ENV = BUILD='$(abspath $(BUILD))' CACHE='$(abspath $(BUILD))/cache'
# the agent, where it can be built; a scenario that needs it says so
VM_AGENT = $(if $(wildcard agent/main.c),all)

.PHONY: vm-setup vm-selftest vmtest vmtests bench-vm verifier-table demo
vm-setup: $(BUILD)/.deps ## fetch what the VMs need: virtme-ng, kernels 6.1, 6.12 and the newest, the client
	$(Q)$(VM_ENV) vmtests/setup/virtme.sh
	$(Q)$(VM_ENV) vmtests/setup/kernel.sh 6.1 >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/kernel.sh 6.12 >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/kernel.sh newest >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/disk.sh >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/script.sh >/dev/null

vm-selftest: $(BUILD)/.deps ## test the stand-in API and the tools of the VM tests, without a VM
	$(Q)/usr/bin/python3 vmtests/selftest.py $(BUILD)

# A sender of TLS that is as fast as the machine; static, as the client's TLS is.
$(BUILD)/loadgen: vmtests/load/loadgen.c vmtests/load/server.h | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -o $@ $< \
		-l:libssl.a -l:libcrypto.a -lpthread -ldl

# Says one thing through TLS and sends another beside it; static for the same reason.
$(BUILD)/aside: vmtests/load/aside.c vmtests/load/server.h | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -o $@ $< \
		-l:libssl.a -l:libcrypto.a -lpthread -ldl

# A program whose "TLS functions" are found as those of a stripped client are: not position
# independent, as the client is, and without what later optimisations do to calls at the end.
$(BUILD)/mimic: vmtests/load/mimic.c | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -static -no-pie -fno-pic \
		-fcf-protection=none -s -Wl,--build-id=sha1 -o $@ $<

# What a governed process may try beside connect(); static, so that it starts at once.
$(BUILD)/attempt: vmtests/doors/attempt.c | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -static -o $@ $<

# What runs below a governed process while everything is done to bailiff.
$(BUILD)/probe: vmtests/load/probe.c | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -static -o $@ $<

# What the scenario cost times.
$(BUILD)/connects: vmtests/load/connects.c | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -static -o $@ $<

# Values of every detector through the program that masks in place.
$(BUILD)/prove_inline: vmtests/inline/prove.c vmtests/inline/blocks.c vmtests/inline/many.c vmtests/inline/tools.c vmtests/inline/world.c vmtests/inline/streams.c \
		vmtests/inline/world.h vmtests/inline/streams.h $(LIB) | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(CFLAGS) -Wall -Wextra $(CPPFLAGS) $(PC_CFLAGS) -Ivmtests/inline -Itests/unit \
		-o $@ $(filter %.c,$^) $(LIB) $(LDLIBS) -lpthread

# The rival of guard.sh and survive.sh: a program of the root cgroup that undoes a refusal.
$(BUILD)/rival.bpf.o: vmtests/load/rival.bpf.c $(BUILD)/gen/vmlinux.h
	$(call say,BPF,$@)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_x86 -Wall -Werror -I$(BUILD)/gen -c $< -o $@

# The attempts of the bypass table. A library is put into the client by LD_PRELOAD; the second tls has
# its OpenSSL in itself.
BYPASS_BIN = $(patsubst vmtests/bypass/attempts/%.c,$(BUILD)/bypass/%,\
	$(filter-out %/preload.c,$(wildcard vmtests/bypass/attempts/*.c))) \
	$(BUILD)/bypass/preload.so $(BUILD)/bypass/tls-static $(BUILD)/bypass/relink
BYPASS_CC = $(CC) -O1 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
$(BUILD)/bypass/%: vmtests/bypass/attempts/%.c vmtests/bypass/attempts/attempt.h | $(BUILD)/.deps
	$(Q)mkdir -p $(@D) && $(BYPASS_CC) -o $@ $< $(if $(filter tls,$*),-lssl -lcrypto) -lpthread
$(BUILD)/bypass/preload.so: vmtests/bypass/attempts/preload.c vmtests/bypass/attempts/attempt.h | $(BUILD)/.deps
	$(Q)mkdir -p $(@D) && $(BYPASS_CC) -shared -fPIC -o $@ $<
$(BUILD)/bypass/tls-static: vmtests/bypass/attempts/tls.c vmtests/bypass/attempts/attempt.h | $(BUILD)/.deps
	$(Q)mkdir -p $(@D) && $(BYPASS_CC) -o $@ $< -l:libssl.a -l:libcrypto.a -lpthread -ldl

$(BUILD)/bypass/relink: vmtests/bypass/relink.c | $(BUILD)/.deps
	$(Q)mkdir -p $(@D) && $(BYPASS_CC) -o $@ $<

.PHONY: bypass-table
bypass-table: ## write the results of the bypass table's runs into docs/bypasses.md
	$(Q)/usr/bin/python3 vmtests/bypass/results.py docs/bypasses.md $(BUILD)/vm/*/bypass/rows.jsonl

VM_TOOLS = $(BUILD)/prove_inline $(BUILD)/loadgen $(BUILD)/mimic $(BUILD)/aside $(BUILD)/attempt $(BUILD)/probe $(BUILD)/connects $(BUILD)/rival.bpf.o \
	$(BYPASS_BIN)

vmtest: $(BUILD)/.deps $(VM_AGENT) $(VM_TOOLS) ## run scenarios in a VM (NAME="a b"; KERNEL=6.12, LSM=list; ROWS="name number": of bypass)
	$(Q)test -n "$(NAME)" || { echo 'make vmtest NAME="$(VM_SCENARIOS)"' >&2; exit 1; }
	$(Q)$(VM_ENV) ROWS='$(ROWS)' vmtests/run.sh $(NAME)

# Several boots on one kernel, so that none has to be long, and short ones on later kernels and
# without bpf in lsm=. Two at a time: one alone leaves a core idle most of the time. The longest comes
# first, so that none is left to run alone. A failure in one does not keep the others from being run.
VM_LANES = 2
VM_BOOTS = $(addprefix boot-,inline story doors parts later-6.12 function-6.1)
# What takes longer than a change should wait for, and the other kernels.
VM_MORE = $(addprefix boot-,bypass ways clients guard names long reasons later-newest function-6.12 function-newest)
boot-story: BOOT = RUN=story vmtests/run.sh $(VM_STORY)
boot-doors: BOOT = RUN=doors vmtests/run.sh $(VM_DOORS)
boot-names: BOOT = RUN=names vmtests/run.sh $(VM_NAMES)
boot-ways: BOOT = RUN=ways vmtests/run.sh $(VM_WAYS)
boot-clients: BOOT = RUN=clients vmtests/run.sh $(VM_CLIENTS)
boot-guard: BOOT = RUN=guard vmtests/run.sh $(VM_GUARD)
boot-parts: BOOT = RUN=parts vmtests/run.sh $(VM_PARTS)
boot-long: BOOT = RUN=long vmtests/run.sh $(VM_LONG)
boot-reasons: BOOT = RUN=reasons vmtests/run.sh $(VM_REASONS)
boot-inline: BOOT = RUN=inline vmtests/run.sh $(VM_INLINE)
boot-bypass: BOOT = RUN=bypass vmtests/run.sh bypass
boot-later-%: BOOT = KERNEL=$* vmtests/run.sh smoke verifier
boot-function-%: BOOT = KERNEL=$* LSM=$(VM_NO_BPF) vmtests/run.sh smoke verifier
.PHONY: $(VM_BOOTS) $(VM_MORE) vmtests-all
$(filter-out boot-later-% boot-function-%,$(VM_BOOTS) $(VM_MORE)):
	$(Q)$(VM_ENV) LIMIT=2400 $(BOOT)
$(filter boot-later-%,$(VM_BOOTS) $(VM_MORE)): boot-later-%:
	$(Q)$(VM_ENV) LIMIT=900 $(BOOT)
$(filter boot-function-%,$(VM_BOOTS) $(VM_MORE)): boot-function-%:
	$(Q)$(VM_ENV) LIMIT=900 $(BOOT)

vmtests: vm-setup $(VM_AGENT) $(VM_TOOLS) ## run the scenarios that every change has to pass, in VMs
	$(Q)$(MAKE) --no-print-directory -k -j$(VM_LANES) $(VM_BOOTS)

vmtests-all: vm-setup $(VM_AGENT) $(VM_TOOLS) ## run every scenario, and all kernels
	$(Q)$(MAKE) --no-print-directory -k -j$(VM_LANES) $(VM_BOOTS) $(VM_MORE)

verifier-table: ## write docs/verifier.md from the runs of the scenario verifier that are there
	$(Q)vmtests/verifier.py $(wildcard $(BUILD)/vm/*/verifier/programs.json) >docs/verifier.md.new
	$(Q)mv docs/verifier.md.new docs/verifier.md

demo: $(BUILD)/.deps $(VM_AGENT) ## tell bailiff's story on the real client, in a VM, step by step
	$(Q)$(VM_ENV) vmtests/demo.sh
