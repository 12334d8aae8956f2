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
    """Functions, then what only they read, then the rest of what their objects read."""
    new = [r for r in ran if r not in seen]
    new.sort(key=lambda r: ran[r] > 8192)
    # what the compiler made of a function has its name and more
    own = dict.fromkeys((obj, name.split(".")[2]) for obj, name in new if name.count(".") > 1 and not re.match(r"\*lib(c|gcc)\.a", obj))
    return ([f"{obj}({name})" for obj, name in new] + [f"{obj}(.rodata.{f} .rodata.{f}.*)" for obj, f in own] +
            [f"{obj}(.rodata .rodata.*)" for obj in dict.fromkeys(obj for obj, _ in new)])


def block(name, before, lines):
    return f"SECTIONS\n{{\n\t{name} : {{\n" + "".join(f"\t\t{line}\n" for line in lines) + f"\t}}\n}}\nINSERT {before};"


def main():
    table = sections(sys.argv[1])
    seen, lines = {}, ["*crt1.o(.text)", "*(SORT_NONE(.fini))"]
    for path in sys.argv[2:]:
        ran = read(path, table)
        lines += text(ran, seen)
        seen.update(ran)
        if path == sys.argv[2]:
            lines += [f"{obj}(.rodata .rodata.*)" for obj in MORE]
    print(f"{len(seen)} sections, {sum(seen.values())} bytes", file=sys.stderr)
    objects = list(dict.fromkeys([obj for obj, _ in seen] + MORE))
    # large, and not all of it used: what the output is collected in, and pages for hypercalls
    objects.sort(key=lambda obj: ("quick.o" in obj) + 2 * (obj == "*xlx/main.o"))
    print(HEAD + block(".text.quick", "BEFORE .text", dict.fromkeys(lines)))
    print(block(".data.quick", "AFTER .fini_array", [f"{obj}(.data.rel.ro .data.rel.ro.* .data .data.*)" for obj in objects]))
    print(block(".bss.quick (NOLOAD)", "BEFORE .bss", [f"{obj}(.bss .bss.*)" for obj in objects]))


main()
