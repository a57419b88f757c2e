#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The model API from a program of one's own, with a key that was copied. usage: model.py ADDRESS"""

import http.client
import ssl
import sys

from attempt import THROUGH, TOKEN, become


def ask(address):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(address, 443, timeout=5, context=context)
    connection.request("POST", "/v1/messages", b"{}", {"x-api-key": "sk-ant-api03-" + TOKEN})
    print("status", connection.getresponse().status)
    return THROUGH


become(ask, sys.argv[1])
