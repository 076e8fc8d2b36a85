#!/bin/sh
echo "Content-Type: text/plain; charset=utf-8"
echo
echo "Hello from the shell. I run as uid $(id -u)"
echo "in $PWD"
echo "at $(date +%T)"
