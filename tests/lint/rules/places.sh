#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No path of the machine that something was written on, no address of a package registry or mirror:
# both come from the configuration of the machine that builds.
exec awk '
FILENAME ~ /^tests\/(fixtures|fuzz\/corpus)\// || FILENAME == "LICENSE" { nextfile }
/(^|[^A-Za-z0-9_.\/-])\/(wor[k]|roo[t])\// || /\/tmp\/[w]\// ||
/(^|[^A-Za-z0-9_])share[d]\/(DESIGN|reference|hooks)/ {
	print FILENAME ":" FNR ": a path of one machine: " $0
	bad = 1
}
/registr[y]\.(npmjs|yarnpkg)|npmjs\.co[m]|pypi\.or[g]|pythonhoste[d]|crates\.i[o]([^A-Za-z]|$)|proxy\.golan[g]|(deb|security|snapshot)\.debia[n]|archive\.ubunt[u]|rubygems\.or[g]|(docker|ghcr|quay)\.i[o]([^A-Za-z]|$)/ {
	print FILENAME ":" FNR ": the host of a package registry: " $0
	bad = 1
}
END { exit bad }' "$@"
