#!/bin/bash
echo start $(cut -d' ' -f1 /proc/uptime)
time bash /src/vmtests/world/up.sh
cd /tmp
U=/src/vmtests/world/as-user
C="NODE_EXTRA_CA_CERTS=/run/world/ca.pem ANTHROPIC_API_KEY=sk-ant-api03-test DISABLE_AUTOUPDATER=1"
uptime
r() { local s=${EPOCHREALTIME/./}; "$@" >/tmp/o.$BASHPID 2>&1; local e=${EPOCHREALTIME/./}; echo "$(( (e-s)/1000 )) ms: ${*:5:3} $(tail -c 100 /tmp/o.$BASHPID)"; }
claude --version
for k in 1 2; do
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read
done
echo THP; echo always > /sys/kernel/mm/transparent_hugepage/enabled
for k in 1 2; do
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read
done
echo par
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read &
r $U carol $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read &
wait
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read &
r $U carol $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read &
wait
C="$C CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1"
echo nonessential
for k in 1 2; do
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read
done
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read &
r $U carol $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read &
wait
C="$C BUN_JSC_useJIT=0"
echo noJIT
for k in 1 2; do
r $U alice $C claude -p "SCENARIO:skill-pdf go" --allowedTools Skill,Bash,Read
done
cp -r /run/world /mnt/world
