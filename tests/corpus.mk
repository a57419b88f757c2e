# SPDX-License-Identifier: Apache-2.0
# The locator over published releases of the client. Needs npm, the network and 4 GB under build/cache;
# no part of `make test`. Included by the Makefile.
.PHONY: corpus
corpus: $(BUILD)/bailiff ## run the TLS locator over published releases of the client (downloads them)
	$(call say,CORPUS,tests/corpus/releases.tsv)
	$(Q)python3 tests/corpus/run.py --bailiff $(BUILD)/bailiff --cache $(BUILD)/cache/corpus \
		--releases tests/corpus/releases.tsv --table docs/tls-discovery.md
