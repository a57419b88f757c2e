#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# scenario.sh NAME: run one scenario. scenario.sh --reset: leave nothing of it behind.
set -u
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

if [ "$1" = --reset ]; then
	scenario=reset
	bailiff_off
	world_reset
	exit 0
fi
scenario_begin "$1"
# shellcheck source=/dev/null # which one is the caller's choice
. "/src/vmtests/scenarios/$1.sh"
scenario_end
