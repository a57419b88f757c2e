# SPDX-License-Identifier: Apache-2.0
# Tests in virtual machines, and the demonstration. Included by the Makefile.
VM_SCENARIOS = $(sort $(patsubst vmtests/scenarios/%.sh,%,$(wildcard vmtests/scenarios/*.sh)))
VM_STORY = world story
VM_PARTS = $(filter-out $(VM_STORY) smoke bypass,$(VM_SCENARIOS))
VM_ENV = BUILD='$(abspath $(BUILD))' CACHE='$(abspath $(BUILD))/cache'
# the agent, where it can be built; a scenario that needs it says so
VM_AGENT = $(if $(wildcard agent/main.c),all)

.PHONY: vm-setup vm-selftest vmtest vmtests demo
vm-setup: $(BUILD)/.deps ## fetch what the VMs need: virtme-ng, kernels 6.1 and 6.12, the client
	$(Q)$(VM_ENV) vmtests/setup/virtme.sh
	$(Q)$(VM_ENV) vmtests/setup/kernel.sh 6.1 >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/kernel.sh 6.12 >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/disk.sh >/dev/null
	$(Q)$(VM_ENV) vmtests/setup/script.sh >/dev/null

vm-selftest: $(BUILD)/.deps ## test the stand-in API and the tools of the VM tests, without a VM
	$(Q)/usr/bin/python3 vmtests/selftest.py $(BUILD)
	$(Q)/usr/bin/python3 vmtests/bypass/selftest.py $(BUILD)

# A sender of TLS that is as fast as the machine; static, as the client's TLS is.
$(BUILD)/loadgen: vmtests/load/loadgen.c | $(BUILD)/.deps
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -o $@ $< \
		-l:libssl.a -l:libcrypto.a -lpthread -ldl

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

.PHONY: bypass-attempts bypass-table
bypass-attempts: $(BYPASS_BIN)
	$(Q)printf '%s\n' '$(ROWS)' >$(BUILD)/bypass.rows

bypass-table: ## write the results of the bypass table's runs into docs/bypasses.md
	$(Q)/usr/bin/python3 vmtests/bypass/results.py docs/bypasses.md $(BUILD)/vm/*/bypass/rows.jsonl

vmtest: $(BUILD)/.deps $(VM_AGENT) $(BUILD)/loadgen bypass-attempts ## run scenarios in a VM (NAME="a b"; KERNEL=6.12, LSM=list; ROWS="name number": of bypass)
	$(Q)test -n "$(NAME)" || { echo 'make vmtest NAME="$(VM_SCENARIOS)"' >&2; exit 1; }
	$(Q)$(VM_ENV) vmtests/run.sh $(NAME)

# Two boots on one kernel, so that neither has to be long, a short one on a later kernel, and the
# bypass table on each. A failure in one does not keep the others from being run.
vmtests: vm-setup $(VM_AGENT) $(BUILD)/loadgen bypass-attempts ## run every scenario in VMs
	$(Q)rc=0; \
	$(VM_ENV) RUN=story LIMIT=1200 vmtests/run.sh $(VM_STORY) || rc=1; \
	$(VM_ENV) RUN=parts LIMIT=1200 vmtests/run.sh $(VM_PARTS) || rc=1; \
	$(VM_ENV) KERNEL=6.12 vmtests/run.sh smoke || rc=1; \
	rm -f $(BUILD)/bypass.rows; \
	$(VM_ENV) RUN=bypass LIMIT=1200 vmtests/run.sh bypass || rc=1; \
	$(VM_ENV) RUN=bypass LIMIT=1200 KERNEL=6.12 vmtests/run.sh bypass || rc=1; \
	exit $$rc

demo: $(BUILD)/.deps $(VM_AGENT) ## tell bailiff's story on the real client, in a VM, step by step
	$(Q)$(VM_ENV) vmtests/demo.sh
