#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The start page of the demo: a CGI program that looks around in its jail."""

import os
import pwd
import resource
import socket
from html import escape

USER = pwd.getpwuid(os.getuid()).pw_name
WEB = f"/home/{USER}/web"
ON_DISK = os.environ.get("DEMO_USERS", "") + f"/{USER}/home/{USER}/web"

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5a6577;
  --paper: #f5f6f8; --card: #fff; --line: #dfe3ea; --accent: #0b6b5d;
  --code: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa5b8;
  --paper: #14181f; --card: #1c222c; --line: #2d3543; --accent: #5fd0bd;
  --code: #252c38; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .25rem; }
.lead { color: var(--soft); font-size: 1.1rem; max-width: 46rem;
  margin: .75rem 0 2rem; }
.grid { display: grid; gap: 1rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); }
section { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; padding: 1.1rem 1.25rem; min-width: 0; }
.stack { display: grid; gap: 1rem; min-width: 0; }
section > p { color: var(--soft); margin: 0 0 .8rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .94rem; }
th, td { text-align: left; padding: .32rem .9rem .32rem 0;
  vertical-align: top; border-top: 1px solid var(--line); }
tr:first-child > * { border-top: 0; }
th { font-weight: 600; }
@media (min-width: 34rem) { th { white-space: nowrap; } }
code, pre, td.code { font: .86rem/1.5 ui-monospace, Menlo, monospace; }
code { background: var(--code); border-radius: .25rem; padding: .08rem .3rem;
  overflow-wrap: anywhere; }
pre { background: var(--code); border-radius: .4rem; padding: .7rem .9rem;
  margin: .8rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
a { color: var(--accent); }
iframe { width: 100%; height: 6.2rem; border: 1px solid var(--line);
  border-radius: .4rem; margin-top: .8rem; background: #fff;
  color-scheme: light; }
footer { color: var(--soft); margin-top: 2rem; }
"""


# --- looking around ---------------------------------------------------------

def status(field):
    with open("/proc/self/status") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name == field:
                return value.strip()
    return "?"


def identity():
    yield "uid, gid", f"{os.getuid()}, {os.getgid()}"
    groups = [str(gid) for gid in os.getgroups()]
    yield "other groups", ", ".join(groups) or "none"
    yield "capabilities", "none" if int(status("CapEff"), 16) == 0 \
        else status("CapEff")
    yield "may gain privileges", \
        "no" if status("NoNewPrivs") == "1" else "yes"
    yield "system calls filtered", \
        "yes" if status("Seccomp") == "2" else "no"
    yield "processes it can see", ", ".join(sorted(
        pid for pid in os.listdir("/proc") if pid.isdigit()))
    yield "network interfaces", ", ".join(
        name for _, name in socket.if_nameindex()) or "none"


def root_directory():
    for name in sorted(os.listdir("/")):
        path = "/" + name
        what = "→ " + os.readlink(path) if os.path.islink(path) else \
            ", ".join(sorted(os.listdir(path))[:6]) or "(empty)" \
            if os.access(path, os.R_OK) else "not readable"
        yield path, what


def mounts():
    with open("/proc/self/mountinfo") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            where, options = before.split()[4:6]
            yield where, after.split()[0], options.replace(",", ", ")


def amount(value, unit):
    if value == resource.RLIM_INFINITY:
        return "unlimited"
    if unit != "MiB":
        return f"{value} {unit}".strip()
    return f"{value / 2 ** 20:g} MiB"


def limits():
    for name, number, unit in (
            ("CPU time", resource.RLIMIT_CPU, "s"),
            ("data", resource.RLIMIT_DATA, "MiB"),
            ("address space", resource.RLIMIT_AS, "MiB"),
            ("a file", resource.RLIMIT_FSIZE, "MiB"),
            ("processes of the uid", resource.RLIMIT_NPROC, ""),
            ("open files", resource.RLIMIT_NOFILE, ""),
            ("core dump", resource.RLIMIT_CORE, "MiB")):
        soft, hard = resource.getrlimit(number)
        yield name, amount(soft, unit), amount(hard, unit)


# --- trying what must not work ----------------------------------------------

def write_to_base():
    with open("/etc/hosts", "a"):
        pass


def look_at_others():
    others = [name for name in os.listdir("/home")
              if name not in (USER, ".passwd", ".group")]
    if not others:
        raise LookupError("There is nobody else")


def connect():
    socket.create_connection(("192.0.2.1", 80), timeout=2).close()


def attempts():
    for what, action in (
            ("write to a file of the system", write_to_base),
            ("look into other people's homes", look_at_others),
            ("become root", lambda: os.setuid(0)),
            ("change the root directory", lambda: os.chroot("/tmp")),
            ("end a process of the host",
             lambda: os.kill(os.getpid() + 4000, 9)),
            ("reach the network", connect),
            ("take 2 GiB of memory", lambda: bytearray(2 ** 31))):
        try:
            action()
            yield what, "it worked!"
        except (OSError, LookupError) as error:
            yield what, getattr(error, "strerror", None) or str(error)
        except MemoryError:
            yield what, "Cannot allocate memory"


# --- the page -----------------------------------------------------------------

def row(head, *cells):
    return f"<tr><th>{escape(head)}</th>" + "".join(
        f"<td class=code>{escape(cell)}</td>" for cell in cells) + "</tr>"


def table(rows):
    return "<div class=scroll><table>" + "".join(
        row(*cells) for cells in rows) + "</table></div>"


def card(title, text, body):
    return f"<section><h2>{title}</h2><p>{text}</p>{body}</section>"


def text_of(name):
    with open(f"{WEB}/{name}") as source:
        return f"<pre>{escape(source.read())}</pre>"


def program(name, language):
    return card(
        f"A {language} program of {USER}'s",
        f"On this machine's disk it is <code>{escape(ON_DISK)}/{name}</code>. "
        f"Edit it there and reload. It is <a href=/my/{name}>/my/{name}</a>.",
        f"<iframe src=/my/{name} title={name}></iframe>{text_of(name)}")


def mistake(name):
    return card(
        "A program with a mistake",
        f"Its user is told which: <a href=/my/{name}>/my/{name}</a>.",
        text_of(name))


def page():
    yield (f"<!DOCTYPE html><html lang=en><meta charset=utf-8>"
           f"<meta name=viewport content='width=device-width'>"
           f"<title>{USER}'s jail</title><style>{STYLE}</style><main>")
    yield (f"<h1>This is {USER}'s jail</h1><p class=lead>This page was made "
           f"by a Python program that runs as {USER}, in a file system that "
           f"only {USER} has. It shows what the program sees of the "
           f"machine.</p><div class=grid>")
    yield card("Who it is", "The owner of the home is who its programs are.",
               table(identity()))
    yield card("What it tried",
               "Each of these the program has just attempted, and this is "
               "what the kernel said.", table(attempts()))
    yield program("hello.py", "Python")
    yield program("hello.sh", "shell")
    yield card("Its root directory",
               "The base image, which all jails share and nobody can change.",
               table(root_directory()))
    yield ("<div class=stack>"
           + card("Its mounts", "All that is mounted in the jail, and how.",
                  table(mounts()))
           + card("Its limits", "What one program may use: soft, hard.",
                  table(limits()))
           + mistake("mistake.py") + "</div>")
    yield ("</div><footer>In a private window, log in as the other user: "
           "same programs, another jail.</footer></main></html>")


print("Content-Type: text/html; charset=utf-8\n")
print("\n".join(page()))
