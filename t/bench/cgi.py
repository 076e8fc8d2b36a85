#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
#
# cgi.py - what cgi.c does, in Python

import os
import sys

body = sys.stdin.buffer.read(int(os.environ.get("CONTENT_LENGTH") or 0))
rest = int(os.environ["QUERY_STRING"]) - 10
print("Content-Type: text/plain\n\n%09d" % len(body))
sys.stdout.write("x" * rest)
