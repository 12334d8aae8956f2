#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small client of VNC servers without passwords, for tests (RFC 6143).

rfb.py ADDRESS size            prints WIDTHxHEIGHT
rfb.py ADDRESS pixel X Y       prints the colour there as RRGGBB
rfb.py ADDRESS type TEXT       presses and releases the keys; a line end is Return
ADDRESS is HOST:PORT or the path of a Unix socket.
"""
import socket
import struct
import sys


class Screen:
    def __init__(self, address):
        if address.startswith("/"):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(60)
            self.sock.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.sock = socket.create_connection((host, int(port)), 60)
        if not self.take(12).startswith(b"RFB 003.00"):
            sys.exit("no VNC server of version 3")
        self.sock.sendall(b"RFB 003.008\n")
        kinds = self.take(self.take(1)[0])
        if 1 not in kinds:
            sys.exit("it wants to know who we are: %r" % kinds)
        self.sock.sendall(b"\1")
        if self.take(4) != b"\0\0\0\0":
            sys.exit("it lets nobody in")
        self.sock.sendall(b"\1")  # others may be there, too
        self.width, self.height = struct.unpack(">HH", self.take(4))
        self.take(16)
        self.take(struct.unpack(">I", self.take(4))[0])
        # 32 bits, of which the lowest 8 are blue; plain rectangles only
        self.sock.sendall(struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.sock.sendall(struct.pack(">BxHi", 2, 1, 0))

    def take(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                sys.exit("the server hung up")
            data += more
        return data

    def pixel(self, x, y):
        self.sock.sendall(struct.pack(">BBHHHH", 3, 0, x, y, 1, 1))
        while True:
            kind = self.take(1)[0]
            if kind == 3:  # somebody's clipboard
                self.take(3)
                self.take(struct.unpack(">I", self.take(4))[0])
            if kind != 0:
                continue
            (count,) = struct.unpack(">xH", self.take(3))
            for _ in range(count):
                left, top, width, height, _ = struct.unpack(">HHHHi", self.take(12))
                data = self.take(width * height * 4)
                if left <= x < left + width and top <= y < top + height:
                    at = 4 * ((y - top) * width + x - left)
                    return "%02x%02x%02x" % (data[at + 2], data[at + 1], data[at])

    def type(self, text):
        for key in text:
            code = 0xFF0D if key == "\n" else ord(key)
            for down in 1, 0:
                self.sock.sendall(struct.pack(">BBxxI", 4, down, code))
        # what the server has answered after the keys, it has read after them
        self.pixel(0, 0)


def main():
    screen = Screen(sys.argv[1])
    if sys.argv[2] == "size":
        print("%dx%d" % (screen.width, screen.height))
    elif sys.argv[2] == "pixel":
        print(screen.pixel(int(sys.argv[3]), int(sys.argv[4])))
    elif sys.argv[2] == "type":
        screen.type(sys.argv[3])


main()
