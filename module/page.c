/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - the frame and the looks of the pages that we write ourselves
 */
#include "module/page.h"

#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5a6577;"
    "--paper:#f5f6f8;--card:#fff;--line:#dfe3ea;--bad:#b3261e;"
    "--link:#0b57d0}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa5b8;"
    "--paper:#14181f;--card:#1c222c;--line:#2d3543;--bad:#ff8a80;"
    "--link:#8ab4f8}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem}\n"
    "h1{font-size:clamp(1.35rem,4.5vw,1.9rem);line-height:1.25;"
    "margin:.2rem 0 .8rem;overflow-wrap:anywhere;text-wrap:balance}\n"
    "a{color:var(--link);text-underline-offset:.15em}\n"
    "h2{font-size:1rem;margin:1.8rem 0 .5rem}\n"
    "p{margin:.4rem 0}\n"
    ".status{color:var(--bad);font-weight:600}\n"
    ".soft,footer,th,caption{color:var(--soft)}\n"
    "code,pre{font:.875rem/1.5 ui-monospace,Menlo,Consolas,monospace}\n"
    "code{overflow-wrap:anywhere}\n"
    "pre{background:var(--card);border:1px solid var(--line);"
    "border-left:.25rem solid var(--bad);border-radius:.4rem;"
    "padding:.8rem 1rem;margin:0;white-space:pre-wrap;"
    "overflow-wrap:anywhere;tab-size:8}\n"
    ".code{border-left-color:var(--line)}\n"
    "pre i{color:var(--bad)}\n"
    "table{border-collapse:collapse;background:var(--card);"
    "border:1px solid var(--line);border-radius:.4rem}\n"
    "th,td{text-align:left;vertical-align:baseline;font-weight:400;"
    "padding:.35rem 1rem;border-top:1px solid var(--line)}\n"
    "td{font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".hit>*{color:var(--bad);font-weight:600}\n"
    ".files{width:100%;margin-top:.8rem}\n"
    ".files th{overflow-wrap:anywhere}\n"
    ".files tbody a{display:block;white-space:pre-wrap}\n"
    ".files td,.files th+th{text-align:right}\n"
    "footer{margin-top:2rem;font-size:.875rem}\n"
    "@media(max-width:40rem){pre{font-size:.8rem}"
    "th,td{padding:.35rem .6rem}.files thead{display:none}"
    ".files tr{display:flex;flex-wrap:wrap;padding:.4rem .8rem}"
    ".files tr+tr{border-top:1px solid var(--line)}"
    ".files th,.files td{padding:.1rem 0;border:0}"
    ".files th{flex:0 0 100%}"
    ".files td{flex:1;text-align:left;color:var(--soft);font-size:.875rem}"
    ".files td:last-child{text-align:right}}\n";

void page_begin(struct text *text, const char *title)
{
    text_add(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, "
             "initial-scale=1\">\n<title>");
    text_add_foreign(text, TEXT_HTML, title, strlen(title));
    text_add(text, "</title>\n<style>\n");
    text_add(text, style);
    text_add(text, "</style>\n</head>\n<body>\n<main>\n");
}

void page_end(struct text *text)
{
    text_add(text, "</main>\n</body>\n</html>\n");
}
