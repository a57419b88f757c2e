# SPDX-License-Identifier: Apache-2.0
# The TLS locator over published releases of the client, and over BoringSSL built in many ways. Both need
# the network and up to 4 GB under build/cache; no part of `make test`. Included by the Makefile.
.PHONY: corpus oracle
corpus: $(BUILD)/bailiff ## run the TLS locator over published releases of the client (downloads them)
	$(call say,CORPUS,tests/corpus/releases.tsv)
	$(Q)python3 tests/corpus/run.py --bailiff $(BUILD)/bailiff --cache $(BUILD)/cache/corpus \
		--releases tests/corpus/releases.tsv --table docs/tls-discovery.md

oracle: $(BUILD)/bailiff ## compare the TLS locator with the symbols of BoringSSL, built in many ways
	$(call say,ORACLE,tests/corpus/oracle.sh)
	$(Q)sh tests/corpus/oracle.sh $(BUILD)/bailiff $(BUILD)/cache/oracle
