# SPDX-License-Identifier: Apache-2.0
# make install: where everything goes on a host. Nothing is started or enabled, and no policy is
# written: both are the administrator's decisions.
INSTALL  ?= install
BINDIR   := $(DESTDIR)$(PREFIX)/bin
SBINDIR  := $(DESTDIR)$(PREFIX)/sbin
LIBDIR   := $(DESTDIR)$(PREFIX)/lib
SHAREDIR := $(DESTDIR)$(PREFIX)/share
MAN_1    := $(wildcard docs/man/*.1)
MAN_5    := $(wildcard docs/man/*.5)
MAN_8    := $(wildcard docs/man/*.8)

.PHONY: uninstall
install: all ## install under DESTDIR and PREFIX (/usr); starts nothing
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)$(INSTALL) -D -m 0755 $(BUILD)/bailiff $(BINDIR)/bailiff
	$(Q)$(INSTALL) -D -m 0755 $(BUILD)/bailiffd $(SBINDIR)/bailiffd
	$(Q)$(INSTALL) -D -m 0644 agent/deploy/bailiff.service $(LIBDIR)/systemd/system/bailiff.service
	$(Q)$(INSTALL) -D -m 0644 agent/deploy/sysusers.conf $(LIBDIR)/sysusers.d/bailiff.conf
	$(Q)$(INSTALL) -D -m 0644 agent/deploy/tmpfiles.conf $(LIBDIR)/tmpfiles.d/bailiff.conf
	$(Q)$(INSTALL) -D -m 0644 agent/deploy/bailiff.bash $(SHAREDIR)/bash-completion/completions/bailiff
	$(Q)$(INSTALL) -d $(SHAREDIR)/man/man1 $(SHAREDIR)/man/man5 $(SHAREDIR)/man/man8 $(SHAREDIR)/doc/bailiff/examples
	$(Q)$(INSTALL) -m 0644 $(MAN_1) $(SHAREDIR)/man/man1
	$(Q)$(INSTALL) -m 0644 $(MAN_5) $(SHAREDIR)/man/man5
	$(Q)$(INSTALL) -m 0644 $(MAN_8) $(SHAREDIR)/man/man8
	$(Q)$(INSTALL) -m 0644 README.md LICENSE $(wildcard docs/*.md) $(SHAREDIR)/doc/bailiff
	$(Q)$(if $(wildcard policy/examples/*),cp -R policy/examples/. $(SHAREDIR)/doc/bailiff/examples)
	$(Q)$(INSTALL) -d -m 0755 $(DESTDIR)/etc/bailiff

uninstall: ## remove what install put there (policy, keys and log stay)
	$(Q)rm -f $(BINDIR)/bailiff $(SBINDIR)/bailiffd $(LIBDIR)/systemd/system/bailiff.service \
		$(LIBDIR)/sysusers.d/bailiff.conf $(LIBDIR)/tmpfiles.d/bailiff.conf \
		$(SHAREDIR)/bash-completion/completions/bailiff \
		$(MAN_1:docs/man/%=$(SHAREDIR)/man/man1/%) $(MAN_5:docs/man/%=$(SHAREDIR)/man/man5/%) \
		$(MAN_8:docs/man/%=$(SHAREDIR)/man/man8/%)
	$(Q)rm -rf $(SHAREDIR)/doc/bailiff
