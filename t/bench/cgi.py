#!/usr/bin/python3 -IS
# SPDX-License-Identifier: Apache-2.0
#
# cgi.py - what cgi.c does, in Python
#
# -IS: without what site-packages of the host, or of the base image, do at each
# start (*.pth), so that all run the same.

import os
import sys

body = sys.stdin.buffer.read(int(os.environ.get("CONTENT_LENGTH") or 0))
rest = int(os.environ["QUERY_STRING"]) - 10
print("Content-Type: text/plain\n\n%09d" % len(body))
sys.stdout.write("x" * rest)
