#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the chosen rows name in their column `setup`, each once. usage: setups.py [ROW|NUMBER…]"""

import sys

import rows as table

print(" ".join(sorted({name for row in table.chosen(table.read(), sys.argv[1:]) for name in row.setup})))
