# SPDX-License-Identifier: Apache-2.0
# The bypass table: every attempt with bailiff off, with bailiff on, and without the hooks that
# refuse it. The rows are vmtests/bypass/table; each is a line of the results. ROWS="name number…" on
# make's command line chooses some.
# shellcheck shell=bash
# deadline: 2200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

rows=${ROWS:-}
bypass=/src/vmtests/bypass

step "what the attempts want to reach is there"
# shellcheck disable=SC2046,SC2086 # names, by their words
check "the services listen" bash $bypass/setup.sh $(/usr/bin/python3 $bypass/setups.py $rows)
cat /run/bypass/services.log

step "every row: off, on, and without its hooks"
# shellcheck disable=SC2086 # names, by their words
/usr/bin/python3 $bypass/run.py "$work" $rows
status=$?
check "every row did as the table says" test $status = 0
cp /run/bypass/arrivals "$work/"
cp $log_directory/events.jsonl "$work/" 2>/dev/null
