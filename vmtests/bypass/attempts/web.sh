#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl, as everybody has it.
# web.sh page | doh | proxy | model | model-key | host | target, and TLS of one's own: static | patched |
# elsewhere
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh
curl=(curl -ksS -m 8)
case $1 in
page)
	text=$("${curl[@]}" "https://$blocked/" 2>&1)
	fetched $? "$text" "This is blocked.example"
	;;
doh)
	# DNS over HTTPS: a name server of one's own, behind an ordinary page's port
	text=$("${curl[@]}" -H 'Accept: application/dns-message' \
		"https://$blocked/dns-query?dns=d3d3AAABAAABAAAAAAAA" 2>&1)
	fetched $? "$text" "This is blocked.example"
	;;
proxy)
	text=$(HTTPS_PROXY=http://$blocked:7000 "${curl[@]}" https://allowed.example/ 2>&1)
	status=$?
	# it is no proxy, but it was asked
	[ $status = 56 ] && arrived "CONNECT allowed.example" && through "the proxy was asked"
	fetched $status "$text" "This is allowed.example"
	;;
model | model-key)
	[ "$1" = model-key ] && curl+=(-H "x-api-key: sk-ant-api03-$token")
	text=$("${curl[@]}" -w ' status=%{http_code}' https://10.77.1.10/api/hello 2>&1)
	fetched $? "$text" "status="
	;;
host)
	# an allowed address, and the name of a neighbour who shares it
	text=$("${curl[@]}" --connect-to neighbour.example:443:allowed.example:443 \
		https://neighbour.example/ 2>&1)
	fetched $? "$text" "This is allowed.example"
	;;
target)
	# the field Host is the allowed one; servers go by the URL (RFC 9112, 3.2.2)
	text=$("${curl[@]}" --request-target https://neighbour.example/ https://allowed.example/ 2>&1)
	fetched $? "$text" "This is allowed.example"
	;;
static | patched | elsewhere)
	# the name opens the address; see tls.c
	getent ahostsv4 allowed.example
	[ "$1" = static ] && exec $programs/tls-static patient 10.77.3.10 443 neighbour.example
	exec $programs/tls "$1" 10.77.3.10 443 neighbour.example
	;;
esac
broken usage
