#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write xlx/quick.ld from the functions that commands ran (tests/bench/steps) and the linker's map of that xlx.

  layout.py MAP STEPS... >xlx/quick.ld
"""
import bisect
import re
import sys

HEAD = """/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What list, create, pause and destroy run, side by side, in the order in which it runs: the kernel maps a program's file by 64 KiB
 * at a time, and in a paravirtualised domain 0 each of those costs 60 us to map and unmap. So does each page of what they
 * write. Written by lab/bench --layout; what is missing here, or is there no more, makes them slower, never wrong. */
"""

# These have data only.
MORE = [f"*libc.a:{name}.o" for name in "stdfiles lowlevellock vars environ elision-conf exit enbl-secure C_name dl-debug-symbols reg-printf itoa-digits C-ctype dl-rseq-symbols reg-modifier reg-type varshift".split()]
MORE += ["*crtbeginT.o", "*libuvp-all.a:xml_lib.o", "*libgcc.a:cpuinfo.o", "*libxlx-quick.a:*quick.o"]
LARGE = 8192  # bytes
# What each start writes to, in as few pages. What stands on both sides of the table of tunables is written to before it is
# read: to read first would map all around it.
DL_FIRST = "*libc.a:dl-support.o(.data.rel.ro .data.rel.ro.*)"
WRITTEN = [f"*libc.a:{name}.o" for name in "dl-tunables dl-support stdfiles malloc global-locale stdio single_threaded getopt".split()] + ["*xlx/main.o"]
# These have larger variables that are seldom used.
LATER = ["*xlx/domains.o", "*libxlx.a:out.o"]


def sections(path):
    """(address, size, object, section) of the code that the map has, in order; what is for debuggers begins at 0."""
    found, pending, inside = [], None, False
    for line in open(path, encoding="utf-8"):
        inside = inside or line.startswith("Linker script and memory map")
        whole = re.match(r"^ (\.[\w.$-]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$", line)
        rest = re.match(r"^\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$", line)
        name = re.match(r"^ (\.[\w.$-]+)$", line)
        if inside and whole:
            found.append((int(whole[2], 16), int(whole[3], 16), whole[4].strip(), whole[1]))
        elif inside and pending and rest:
            found.append((int(rest[1], 16), int(rest[2], 16), rest[3].strip(), pending))
        pending = name[1] if name else None
    return sorted(s for s in found if s[0] and s[1] and s[3].startswith(".text"))


def pattern(obj):
    """How a linker script names the object, or None for what the compiler brings."""
    member = re.match(r".*?([^/]+\.a)\((.+\.o)\)$", obj)
    if member:
        return f"*{member[1]}:{member[2]}"
    own = re.search(r"(xlx/[\w/]+\.o)$", obj)
    return f"*{own[1]}" if own else None


def read(path, table):
    """What ran, first first: (pattern, section) and its size."""
    starts = [s[0] for s in table]
    ran = {}
    for line in open(path, encoding="ascii"):
        address = int(line, 16)
        start, size, obj, name = table[bisect.bisect(starts, address) - 1]
        if address < start + size and pattern(obj):
            ran[pattern(obj), name] = size
    return ran


def text(ran, seen):
    """Functions, what only they read, the rest of what their objects read, and then what is large: of the largest much is not
    run, the last 64 KiB need not be mapped for."""
    new = [r for r in ran if r not in seen and ran[r] <= LARGE]
    large = sorted((r for r in ran if r not in seen and ran[r] > LARGE), key=lambda r: ran[r])
    # what the compiler made of a function has its name and more
    own = dict.fromkeys((obj, name.split(".")[2]) for obj, name in new if name.count(".") > 1 and not re.match(r"\*lib(c|gcc)\.a", obj))
    return ([f"{obj}({name})" for obj, name in new] + [f"{obj}(.rodata.{f} .rodata.{f}.*)" for obj, f in own] +
            [f"{obj}(.rodata .rodata.*)" for obj in dict.fromkeys(obj for obj, _ in new + large)] +
            [f"{obj}({name})" for obj, name in large])


def block(name, before, lines):
    return f"SECTIONS\n{{\n\t{name} : {{\n" + "".join(f"\t\t{line}\n" for line in lines) + f"\t}}\n}}\nINSERT {before};"


def data(obj):
    return f"{obj}(.data.rel.ro .data.rel.ro.* .data .data.*)"


def main():
    table = sections(sys.argv[1])
    files = [read(path, table) for path in sys.argv[2:]]
    seen, lines = {}, ["*crt1.o(.text)", "*crtbeginT.o(.text)", "*(SORT_NONE(.fini))"]
    for ran in files:
        lines += text(ran, seen)
        if not seen:
            lines += [f"{obj}(.rodata .rodata.*)" for obj in MORE]
            # the linker keeps a text that ends another one there
            lines += [f"{obj}(.rodata.str1.1)" for obj in dict.fromkeys(obj for r in files for obj, _ in r)]
        seen.update(ran)
    print(f"{len(seen)} sections, {sum(seen.values())} bytes", file=sys.stderr)
    objects = list(dict.fromkeys(WRITTEN + MORE + [obj for obj, _ in seen]))
    # large, and not all of it used: what the output is collected in, and pages for hypercalls
    pages = [obj for obj in objects if "quick.o" in obj] + ["*xlx/main.o"]
    bss = ["*libc.a:sbrk.o", "*libc.a:brk.o"] + [obj for obj in objects if obj not in pages]
    bss.sort(key=lambda obj: obj in LATER)
    print(HEAD + block(".text.quick", "BEFORE .text", dict.fromkeys(lines)))
    print("SECTIONS\n{\n\t. = ALIGN(4096);\n}\nINSERT BEFORE .tdata;")
    print(block(".data.quick", "AFTER .fini_array", [DL_FIRST] + [data(obj) for obj in objects]))
    # the first page of these is the last one of the file's: not where pages begin
    print(block(".bss.quick (NOLOAD)", "BEFORE .bss", [f"{obj}(.bss .bss.*)" for obj in dict.fromkeys(bss)]))
    print(block(".bss.pages (NOLOAD)", "BEFORE .bss", [f"{obj}(.bss .bss.*)" for obj in pages]))


main()
