# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what "the model" of the stand-in says, turn by turn."""

import collections
import json
import re
import uuid

import validate

Turn = collections.namedtuple("Turn", "scenario number blocks pause")
CHOICE = re.compile(r"SCENARIO:([a-z0-9-]+)((?:[ \t]+[a-z_]+=\S+)*)")


class Script:
    """The scenario file: {name: [turn, …]}; a turn is {"text": …, "tools": [{name, input}], "pause": s},
    and "thinking", which comes signed and must come back as it was.

    {name} in a string is a value given with the prompt, {planted.name} one of the planted values.
    After the last turn of a scenario the stand-in says so and ends; that a test asked one turn too
    many shows in the log as scenario "end-of-NAME".
    """

    def __init__(self, path, planted):
        with open(path, encoding="utf-8") as file:
            self.scenarios = json.load(file)
        self.planted = {"planted." + name: value for name, value in planted.items()}

    def seen(self, raw):
        """The planted values that are in a request, as they are or written with \\u in JSON."""
        text = raw.decode("utf-8", "replace")
        try:
            text += json.dumps(json.loads(text), ensure_ascii=False)
        except ValueError:
            pass
        return sorted(
            name[len("planted.") :]
            for name, value in self.planted.items()
            if isinstance(value, str) and value in text
        )

    @staticmethod
    def choose(messages):
        """The scenario of the newest prompt that names one, its values, and the answers since."""
        answers = 0
        for message in reversed(messages):
            if message["role"] == "assistant":
                answers += 1
            if message["role"] != "user":
                continue
            for block in validate.blocks(message):
                if block["type"] != "text":
                    continue
                match = CHOICE.search(block["text"])
                if match:
                    values = dict(pair.split("=", 1) for pair in match[2].split())
                    return match[1], values, answers
                if "<command-name>" in block["text"]:
                    return "slash", {}, answers
        return "default", {}, answers

    def fill(self, value, values):
        if isinstance(value, str):
            return re.sub(
                r"\{([a-z_.]+)\}", lambda match: str(values.get(match[1], match[0])), value
            )
        if isinstance(value, list):
            return [self.fill(item, values) for item in value]
        if isinstance(value, dict):
            return {key: self.fill(item, values) for key, item in value.items()}
        return value

    def turn(self, request):
        name, values, number = self.choose(request["messages"])
        turns = self.scenarios.get(name)
        if turns is None:
            return Turn("unknown-" + name, number, [{"type": "text", "text": "No such scenario."}], 0)
        if number >= len(turns):
            return Turn("end-of-" + name, number, [{"type": "text", "text": "No more turns."}], 0)
        turn = self.fill(turns[number], {**self.planted, **values})
        blocks = []
        if "thinking" in turn:
            thinking = turn["thinking"]
            blocks.append(
                {"type": "thinking", "thinking": thinking, "signature": validate.sign(thinking)}
            )
        if "text" in turn:
            blocks.append({"type": "text", "text": turn["text"]})
        for tool in turn.get("tools", []):
            blocks.append(
                {
                    "type": "tool_use",
                    "id": "toolu_01" + uuid.uuid4().hex[:22],
                    "name": tool["name"],
                    "input": tool["input"],
                }
            )
        return Turn(name, number, blocks, float(turn.get("pause", 0)))
