#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""records.py ADDRESS FOLDER: for migrate-records.sh, on either host: connections that break, or whose ends are killed, at any
record of the stream and any message about it. A connection to ADDRESS begins with a line:
  run MODE      it goes on as the connection of xlx migrate-receive, whose last words are put into FOLDER/said
  ended         wait until that has ended
  kill          kill it
  do CMD        a command for the test: its status, and what it says
  via PID       xlx migrate, PID, goes on here to the host in FOLDER/peer, as FOLDER/plan says: ACTION DIRECTION WHICH

DIRECTION is "there" or "here", WHICH a number (0: the first 8 bytes) or the name of a record or message, of which it is the
first. ACTION is done when it has come and has not gone on:
  cut            the connection ends before it
  half           it ends in the middle of it
  kill-sender    with SIGKILL; it goes on
  kill-receiver  the same
  meanwhile      the script FOLDER/NAME is run on the receiver, where NAME is a fourth word, and it goes on
  first          the same on the sender
  old            it goes on with 1 for all versions of what is spoken: of a HELLO
The plan is emptied when it is read. FOLDER/hit is there afterwards if it came so far, and has all that has passed before."""
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import zlib

PORT = 16700
NAMES = {0: "END", 1: "CONFIG", 2: "DOMAIN", 3: "MEMORY", 4: "MEMORY", 5: "MEMORY", 6: "CPU", 7: "MACHINE", 8: "LEVEL",
         0x101: "HELLO", 0x102: "OFFER", 0x103: "VERDICT", 0x104: "BUILT", 0x105: "GO", 0x106: "RUNNING", 0x107: "DONE",
         0x108: "ABORT", 0x109: "ASK", 0x10a: "ANSWER", 0x10b: "KEEP", 0x10c: "READY"}


def ask(address, line):
    with socket.create_connection((address, PORT)) as conn:
        conn.sendall(line.encode() + b"\n")
        answer = b""
        while more := conn.recv(4096):
            answer += more
        return answer.decode()


def end(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended already


def made_old(unit):
    head, body = bytearray(unit[:24]), bytearray(unit[24:])
    at = 0
    while at < len(body):
        item, length = struct.unpack_from("<II", body, at)
        if item in (1, 2):
            struct.pack_into("<I", body, at + 8, 1)
        at += 8 + length
    struct.pack_into("<I", head, 12, zlib.crc32(body))
    struct.pack_into("<I", head, 20, zlib.crc32(head[:20]))
    return bytes(head + body)


class Via:
    def __init__(self, listens, folder, near, pid):
        self.listens, self.folder, self.near, self.pid = listens, folder, near, pid
        with open(folder + "/peer") as f:
            self.address = f.read().strip()
        with open(folder + "/plan") as f:
            self.plan = f.read().split()
        open(folder + "/plan", "w").close()
        self.far = socket.create_connection((self.address, PORT))
        self.far.sendall(b"run w\n" if self.plan else b"run a\n")
        self.passed = []

    def act(self, unit, sink):
        action, _, _, *name = self.plan
        self.plan = []
        with open(self.folder + "/hit", "w") as f:
            f.write("\n".join(self.passed) + "\n")
        if action == "half":
            sink.sendall(unit[:len(unit) // 2])
        if action in ("cut", "half"):
            raise EOFError
        if action == "kill-sender":
            os.kill(self.pid, signal.SIGKILL)
        elif action == "kill-receiver":
            ask(self.address, "kill")
        elif action == "old":
            return made_old(unit)
        elif action in ("meanwhile", "first"):
            address = self.address if action == "meanwhile" else self.listens
            answer = ask(address, f"do bash {self.folder}/{name[0]}")
            if not answer.startswith("0\n"):
                print(f"{name[0]}: {answer}", flush=True)
                raise EOFError
        return unit

    def carry(self, direction, source, sink):
        def read(size):
            data = b""
            while len(data) < size:
                more = source.recv(size - len(data))
                if not more:
                    raise EOFError
                data += more
            return data

        number = 0
        try:
            while True:
                unit, name = read(24 if number else 8), "HEADER" if number else "PREAMBLE"
                if number and not unit.startswith(b"\x8eUVPS"):
                    kind, _, length = struct.unpack_from("<III", unit)
                    unit, name = unit + read(length), NAMES.get(kind, hex(kind))
                if self.plan and self.plan[1] == direction and self.plan[2] in (str(number), name):
                    unit = self.act(unit, sink)
                self.passed.append(f"{direction} {number} {name} {len(unit)}")
                sink.sendall(unit)
                number += 1
        except (EOFError, OSError):
            end(self.near)
            end(self.far)

    def run(self):
        back = threading.Thread(target=self.carry, args=("here", self.far, self.near))
        back.start()
        self.carry("there", self.near, self.far)
        back.join()
        self.far.close()


class Server:
    def __init__(self, listens, folder):
        self.listens, self.folder, self.child = listens, folder, None

    def run(self, conn, mode):
        with open(self.folder + "/said", mode) as said:
            child = subprocess.Popen(["xlx", "migrate-receive"], stdin=conn, stdout=conn, stderr=said)
        with open(self.folder + "/child", "w") as f:
            f.write(str(child.pid))
        self.child = child
        conn.close()
        child.wait()

    def serve(self, conn):
        line = b""
        while not line.endswith(b"\n"):
            byte = conn.recv(1)
            if not byte:
                return
            line += byte
        word, _, rest = line.decode().strip().partition(" ")
        if word == "run":
            self.run(conn, rest)
        elif word == "via":
            Via(self.listens, self.folder, conn, int(rest)).run()
        elif word == "kill":
            self.child.kill()
            self.child.wait()
        elif word == "ended":
            self.child.wait()
        elif word == "do":
            done = subprocess.run(["bash", "-c", rest], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            conn.sendall(b"%d\n" % (done.returncode if done.returncode >= 0 else 128 - done.returncode) + done.stdout)
        conn.close()


server = Server(sys.argv[1], sys.argv[2])
listener = socket.create_server((sys.argv[1], PORT))
print("listens", flush=True)
while True:
    threading.Thread(target=server.serve, args=(listener.accept()[0],), daemon=True).start()
