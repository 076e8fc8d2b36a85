#!/usr/bin/python3
print("Content-Type: text/plain\n"
print("This text is never seen.")
