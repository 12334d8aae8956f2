#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: joins.py MODE FOLDER CMD...: one of several connections of xlx migrate: CMD is run, as often as there are connections, and all that
passes is looked at. When the verdict comes, and before the sender sees it, strangers try to join: with the token of the domain that
moves, and a secret of their own; and with no token that anybody has. What they are told goes to FOLDER/strangers.
MODE cut: the connection that joins as number 1 ends in the middle of its first record, and FOLDER/cut is there. mute: from then on
nothing comes back over the first one, either; when a new one asks what became of the domain, FOLDER/asked is there. refuse: number 2
ends before it has joined."""
import os
import socket
import struct
import subprocess
import sys
import threading
import zlib

HELLO, OFFER, VERDICT, ABORT, ASK, JOIN = 0x101, 0x102, 0x103, 0x108, 0x109, 0x10d
TOKEN, REFUSAL, CONNECTIONS, SECRET = 8, 11, 18, 19
mode, folder, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def message(kind, number, *items):
    body = b"".join(struct.pack("<II", what, len(data)) + data for what, data in items)
    head = struct.pack("<5I", kind, 0, len(body), zlib.crc32(body), number)
    return head + struct.pack("<I", zlib.crc32(head)) + body


def items(unit):
    at, found = 24, {}
    while at < len(unit):
        what, length = struct.unpack_from("<II", unit, at)
        found[what] = unit[at + 8:at + 8 + length]
        at += 8 + length
    return found


def read(source, size):
    data = b""
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def unit(source):
    head = read(source, 24)
    if head.startswith(b"\x8eUVPS"):
        return None, head
    return struct.unpack_from("<I", head)[0], head + read(source, struct.unpack_from("<I", head, 8)[0])


class Far:
    """CMD, whose standard input and output are one socket, as uvp-tls has it."""

    def __init__(self):
        self.sock, theirs = socket.socketpair()
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs)
        theirs.close()
        self.source = self.sock.makefile("rb")

    def end(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.child.kill()
        self.child.wait()


def stranger(token, which):
    peer = Far()
    number = struct.pack("<I", 3)
    peer.sock.sendall(b"\x8eUVPM\r\n\x1a" + message(HELLO, 0, (1, number), (2, number), (3, b"stranger\0"), (4, b"nowhere\0")))
    peer.sock.sendall(message(JOIN, 1, (TOKEN, token), (SECRET, os.urandom(16)), (CONNECTIONS, struct.pack("<I", which))))
    read(peer.source, 8)
    unit(peer.source)
    kind, answer = unit(peer.source)
    peer.end()
    with open(folder + "/strangers", "a") as f:
        f.write(f"{kind:#x} {items(answer).get(REFUSAL, b'')[4:]}\n")


def touch(name):
    open(folder + "/" + name, "w").close()


def is_mute():
    return mode == "mute" and "token" in seen and os.path.exists(folder + "/cut")


far = Far()
near_in, near_out = os.fdopen(0, "rb", 0), os.fdopen(1, "wb", 0)
seen = {}


def tell(data):
    if is_mute():
        return
    try:
        near_out.write(data)
    except OSError:
        pass


def back():
    try:
        tell(read(far.source, 8))
        while True:
            kind, data = unit(far.source)
            if kind == VERDICT and SECRET in items(data):
                stranger(seen["token"], 1)
                stranger(os.urandom(16), 1)
            tell(data)
    except (EOFError, OSError):
        pass
    if not is_mute():
        os._exit(0)


def break_off():
    far.end()
    os._exit(0)


def pass_on(data):
    try:
        far.sock.sendall(data)
    except OSError:
        if not is_mute():
            raise


answers = threading.Thread(target=back)
answers.start()
far.sock.sendall(read(near_in, 8))
while True:
    try:
        kind, data = unit(near_in)
    except EOFError:
        break
    if kind == OFFER:
        seen["token"] = items(data)[TOKEN]
    if kind == ASK:
        touch("asked")
    number = struct.unpack("<I", items(data)[CONNECTIONS])[0] if kind == JOIN else 0
    if mode == "refuse" and number == 2:
        break_off()
    if mode != "refuse" and seen.get("joined") == 1:
        touch("cut")
        far.sock.sendall(data[:len(data) // 2])
        break_off()
    pass_on(data)
    if kind == JOIN:
        seen["joined"] = number
try:
    far.sock.shutdown(socket.SHUT_WR)
except OSError:
    pass
answers.join()
