# SPDX-License-Identifier: Apache-2.0
"""What the Messages API demands of a request, and what a request says."""

import base64
import hashlib
import hmac
import json
import re

BLOCKS = {
    "user": {"text", "tool_result", "image", "document", "tool_reference"},
    "assistant": {"text", "tool_use", "thinking", "redacted_thinking", "server_tool_use"},
    "system": {"text"},
}
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
LEGACY_USER = re.compile(r"user_[0-9a-f]{64}_account_(%s)?_session_%s" % (UUID, UUID))


KEYLESS = "x-api-key or authorization: missing"

SIGNING_KEY = b"of the stand-in"


def sign(thinking):
    """What the service signs a thinking block with; one that comes back changed is refused."""
    digest = hmac.new(SIGNING_KEY, thinking.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest * 4).decode()


def user_id(value):
    """metadata.user_id: a JSON object in a string; before 2.1.78, three parts in one word."""
    if not isinstance(value, str):
        return "metadata.user_id: a string is expected"
    if LEGACY_USER.fullmatch(value):
        return None
    try:
        parts = json.loads(value)
    except ValueError:
        return "metadata.user_id: neither JSON nor the older form"
    if not isinstance(parts, dict):
        return "metadata.user_id: a JSON object is expected"
    for name, pattern in (
        ("device_id", "[0-9a-f]{64}"),
        ("account_uuid", "(%s)?" % UUID),
        ("session_id", UUID),
    ):
        if not isinstance(parts.get(name), str) or not re.fullmatch(pattern, parts[name]):
            return "metadata.user_id: %s is missing or malformed" % name
    return None


def blocks(message):
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def check_headers(headers, query):
    if query not in ("", "beta=true"):
        yield "query: beta=true is expected"
    if headers.get("anthropic-version") != "2023-06-01":
        yield "anthropic-version: 2023-06-01 is expected"
    if not headers.get("x-api-key") and not headers.get("Authorization", "").startswith("Bearer "):
        yield KEYLESS
    if headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
        yield "content-type: application/json is expected"
    if headers.get("Content-Encoding", "identity") != "identity":
        yield "content-encoding: not supported for requests"


def check_messages(messages):
    pending, used = [], set()
    for i, message in enumerate(messages):
        where = "messages.%d" % i
        role = message.get("role") if isinstance(message, dict) else None
        if role not in BLOCKS:
            yield where + ": role user, assistant or system is expected"
            return
        content = message.get("content")
        if not isinstance(content, (str, list)) or content in ("", []) and role == "user":
            yield where + ": content must be a string or a list, and not empty"
            return
        results = []
        for j, block in enumerate(blocks(message)):
            at = "%s.content.%d" % (where, j)
            kind = block.get("type") if isinstance(block, dict) else None
            if kind not in BLOCKS[role]:
                yield "%s: block type %r in a message of role %s" % (at, kind, role)
            elif kind == "text" and not isinstance(block.get("text"), str):
                yield at + ": text must be a string"
            elif kind == "tool_use":
                if not re.fullmatch(r"toolu_[A-Za-z0-9_]+", str(block.get("id"))):
                    yield at + ": id of a tool_use must match toolu_…"
                if not isinstance(block.get("input"), dict):
                    yield at + ": input must be an object"
                if block.get("id") in used:
                    yield at + ": id is used twice"
                used.add(block.get("id"))
                pending.append(block.get("id"))
            elif kind == "thinking":
                if block.get("signature") != sign(str(block.get("thinking"))):
                    yield at + ": signature of a thinking block is not that of its text"
            elif kind == "tool_result":
                results.append(block.get("tool_use_id"))
                if block.get("tool_use_id") not in pending:
                    yield at + ": tool_result without a tool_use before it"
        if role == "user" and pending:
            for missing in [name for name in pending if name not in results]:
                yield "%s: tool_use %s has no tool_result in the next message" % (where, missing)
            pending = []
    if pending:
        yield "messages: tool_use %s has no tool_result" % pending[0]


def check_body(body):
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "model: a string is expected"
    if type(body.get("max_tokens")) is not int or body["max_tokens"] < 1:
        yield "max_tokens: a positive integer is expected"
    if not isinstance(body.get("stream", False), bool):
        yield "stream: a boolean is expected"
    if not isinstance(body.get("system", []), (str, list)):
        yield "system: a string or a list is expected"
    tools = body.get("tools", [])
    if not isinstance(tools, list) or any(
        not isinstance(tool, dict) or not isinstance(tool.get("name"), str) for tool in tools
    ):
        yield "tools: a list of objects with a name is expected"
    if "metadata" in body:
        metadata = body["metadata"]
        wrong = user_id(metadata.get("user_id") if isinstance(metadata, dict) else None)
        if wrong:
            yield wrong
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        yield "messages: at least one message is expected"
    else:
        yield from check_messages(body["messages"])


def request(headers, query, raw):
    """Gives the body, or None when it is no JSON object, and the list of what is wrong."""
    errors = list(check_headers(headers, query))
    try:
        body = json.loads(raw.decode("utf-8"))
    except ValueError as error:
        return None, errors + ["body: not JSON in UTF-8: %s" % type(error).__name__]
    if not isinstance(body, dict):
        return None, errors + ["body: an object is expected"]
    return body, errors + list(check_body(body))


def result_text(block):
    content = block.get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "<%s>" % part.get("type")) for part in content)


def summary(body):
    """What tests ask about: who, which tools, what came back from them, what the user said last."""
    messages = body.get("messages") if isinstance(body.get("messages"), list) else []
    messages = [message for message in messages if isinstance(message, dict)]
    names, results = {}, []
    for message in messages:
        for block in blocks(message):
            if not isinstance(block, dict):
                continue
            if block.get("type") == "tool_use":
                names[block.get("id")] = block.get("name")
            elif block.get("type") == "tool_result":
                results.append(
                    {
                        "tool": names.get(block.get("tool_use_id")),
                        "id": block.get("tool_use_id"),
                        "is_error": bool(block.get("is_error")),
                        "text": result_text(block),
                    }
                )
    last = [message for message in messages if message.get("role") == "user"][-1:]
    kinds = [
        block.get("type")
        for message in messages
        for block in blocks(message)
        if isinstance(block, dict)
    ]
    skills = re.findall(r"^- ([a-z0-9:_-]+):", "\n".join(
        block.get("text", "")
        for message in messages
        if message.get("role") == "system"
        for block in blocks(message)
        if "skills are available" in str(block.get("text"))
    ), re.M)
    tools = body.get("tools") if isinstance(body.get("tools"), list) else []
    return {
        "model": body.get("model"),
        "stream": body.get("stream", False),
        "user_id": (body.get("metadata") or {}).get("user_id"),
        "n_messages": len(messages),
        "n_thinking": kinds.count("thinking"),
        "roles": [message.get("role") for message in messages],
        "tools": [tool.get("name") for tool in tools if isinstance(tool, dict)],
        "skills_listed": skills,
        "results": results,
        "last_user_texts": [
            block.get("text")
            for message in last
            for block in blocks(message)
            if isinstance(block, dict) and block.get("type") == "text"
        ],
    }
