#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the sensitive values that the stand-in plants in an answer, new for each boot.

They are drawn, not listed, so that no rule can know them and no file of the project holds one. Each is
valid where a detector checks: the card number passes Luhn, the social security number was issuable.
"""

import base64
import json
import os
import random
import string
import sys

rng = random.SystemRandom()


def luhn_digit(digits):
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char)
        if place % 2 == 0:
            value = value * 2 - (9 if value > 4 else 0)
        total += value
    return str(-total % 10)


def some(alphabet, count):
    return "".join(rng.choice(alphabet) for _ in range(count))


def planted():
    area = rng.choice([n for n in range(1, 900) if n != 666])
    ssn = "%03d-%02d-%04d" % (area, rng.randint(1, 99), rng.randint(1, 9999))
    card = "4" + some(string.digits, 14)
    card += luhn_digit(card)
    email = "%s.%s@%s.com" % (
        some(string.ascii_lowercase, 6),
        some(string.ascii_lowercase, 8),
        some(string.ascii_lowercase, 9),
    )
    aws = "AKIA" + some(string.ascii_uppercase + "234567", 16)
    body = base64.b64encode(os.urandom(120)).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    # in two halves, so that this file is not itself taken for a key
    frame = "-----%s " + "PRIVATE KEY-----"
    key = "\n".join([frame % "BEGIN", *lines, frame % "END"])
    return {"ssn": ssn, "card": card, "email": email, "aws": aws, "private_key": key}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: planted.py FILE")
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(planted(), file)


if __name__ == "__main__":
    main()
