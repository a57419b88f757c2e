# SPDX-License-Identifier: Apache-2.0
"""The stand-in's bytes: server-sent events in small pieces, chunks, content coding."""

import json
import uuid
import zlib


def accepts_gzip(header):
    """Whether Accept-Encoding allows gzip (q=0 forbids it)."""
    for item in header.lower().split(","):
        coding, _, parameters = item.strip().partition(";")
        if coding.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0")
    return False


def read_chunked(file):
    body = b""
    while True:
        size = int(file.readline().split(b";")[0], 16)
        if size == 0:
            while file.readline().strip():
                pass
            return body
        body += file.read(size)
        file.readline()


def message(model, blocks):
    stop = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    return {
        "id": "msg_" + uuid.uuid4().hex[:24],
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 100,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": sum(len(json.dumps(block)) for block in blocks) // 4,
        },
    }


def pieces(text, size):
    """Cut by bytes, as the service does not, but never inside a character, which JSON forbids."""
    raw, start = text.encode(), 0
    while start < len(raw):
        end = min(start + size, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end += 1
        yield raw[start:end].decode()
        start = end


def event(kind, **fields):
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"))
    return ("event: %s\ndata: %s\n\n" % (kind, data)).encode()


def events(whole, size):
    """The message as the stream of events that says the same."""
    start = dict(whole, content=[], stop_reason=None)
    yield event("message_start", message=start)
    yield event("ping")
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            empty, kind, field, rest = dict(block, text=""), "text_delta", "text", block["text"]
        elif block["type"] == "thinking":
            empty, kind, field = dict(block, thinking="", signature=""), "thinking_delta", "thinking"
            rest = block["thinking"]
        else:
            empty, kind, field = dict(block, input={}), "input_json_delta", "partial_json"
            rest = json.dumps(block["input"])
        yield event("content_block_start", index=index, content_block=empty)
        for piece in pieces(rest, size):
            yield event("content_block_delta", index=index, delta={"type": kind, field: piece})
        if block["type"] == "thinking":
            delta = {"type": "signature_delta", "signature": block["signature"]}
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    yield event(
        "message_delta",
        delta={"stop_reason": whole["stop_reason"], "stop_sequence": None},
        usage={"output_tokens": whole["usage"]["output_tokens"]},
    )
    yield event("message_stop")


class ChunkedStream:
    """Each write is flushed through the coding and sent as one chunk."""

    def __init__(self, file, encoding):
        self.file = file
        self.coder = zlib.compressobj(6, zlib.DEFLATED, 31) if encoding == "gzip" else None

    def chunk(self, data):
        if data:
            self.file.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.file.flush()

    def write(self, data):
        if self.coder:
            data = self.coder.compress(data) + self.coder.flush(zlib.Z_SYNC_FLUSH)
        self.chunk(data)

    def close(self):
        if self.coder:
            self.chunk(self.coder.flush(zlib.Z_FINISH))
        self.file.write(b"0\r\n\r\n")
        self.file.flush()
