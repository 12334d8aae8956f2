#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: relay.py PORT HOST HOST_PORT THERE HERE: one connection to localhost's PORT goes on to HOST; the files THERE and HERE
get what passes in each direction."""
import socket
import sys
import threading


def pass_on(source, sink, path):
    with open(path, "wb") as kept:
        try:
            while data := source.recv(65536):
                kept.write(data)
                sink.sendall(data)
        except OSError:
            pass  # one of them is gone: so is the other
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


port, host, host_port, there, here = sys.argv[1:]
near = socket.create_server(("127.0.0.1", int(port))).accept()[0]
far = socket.create_connection((host, int(host_port)))
back = threading.Thread(target=pass_on, args=(far, near, here))
back.start()
pass_on(near, far, there)
back.join()
