#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in MCP server with one tool, `lookup`; Debian has none.

usage: mcp.py HOST: speaks over standard input and output, and asks https://HOST/lookup?query=… each time.

hosts.py answers POST /mcp with the same protocol, over HTTP. Messages are JSON-RPC 2.0, as the Model
Context Protocol has them (2025-06-18, "Transports", "Tools"); what is not, is refused.
"""

import http.client
import json
import ssl
import sys
import urllib.parse

VERSION = "2025-06-18"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
TOOL = {
    "name": "lookup",
    "description": "Look something up in the company's records.",
    "inputSchema": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
    },
}


def failure(number, code, message):
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def answer(raw, lookup):
    """What a server says to one message (bytes): a dict, or None where nothing is to be said.

    lookup gives the tool's text for a query; an OSError of it is told as the tool's own failure.
    """
    try:
        message = json.loads(raw)
    except ValueError:
        return failure(None, -32700, "Parse error: this is no JSON, and a message of the protocol is")
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or "method" not in message:
        return failure(None, -32600, "Invalid request: jsonrpc must be 2.0, and a method named")
    method, parameters, number = message["method"], message.get("params", {}), message.get("id")
    if number is None:
        return None
    if method == "initialize":
        result = {
            "protocolVersion": VERSION,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "stand-in", "version": "1"},
        }
    elif method == "ping":
        result = {}
    elif method == "tools/list":
        result = {"tools": [TOOL]}
    elif method == "tools/call":
        query = parameters.get("arguments", {}).get("query")
        if parameters.get("name") != TOOL["name"] or not isinstance(query, str):
            return failure(number, -32602, "Invalid params: lookup takes a query, a string")
        try:
            result = {"content": [{"type": "text", "text": lookup(query)}]}
        except OSError as error:
            text = "The records cannot be asked: %s" % error
            result = {"content": [{"type": "text", "text": text}], "isError": True}
    else:
        return failure(number, -32601, "Method not found: %s" % method)
    return {"jsonrpc": "2.0", "id": number, "result": result}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    context = ssl.create_default_context(cafile=AUTHORITIES)

    def lookup(query):
        connection = http.client.HTTPSConnection(sys.argv[1], context=context, timeout=20)
        connection.request("GET", "/lookup?" + urllib.parse.urlencode({"query": query}))
        return connection.getresponse().read().decode()

    for line in sys.stdin.buffer:
        said = answer(line, lookup)
        if said is not None:
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
