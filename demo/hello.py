#!/usr/bin/python3
import os
import time

print("Content-Type: text/plain; charset=utf-8\n")
print("Hello from Python. I run as uid", os.getuid())
print("in", os.getcwd())
print("at", time.strftime("%H:%M:%S"))
