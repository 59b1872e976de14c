"""Jupyter settings that keep a kernel's ports for it. Jupyter finds free ports about a second before the kernel binds
them, and a kernel whose port somebody else has taken meanwhile fails at each of its restarts too."""

import socket
import sys

from jupyter_client import connect

cache = getattr(connect, "LocalPortCache", None)
held = {}


def find_available_port(_self, ip):
    """Leaves the port bound. The system then gives it to nobody, but lets ZeroMQ listen on it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((ip, 0))
    port = holder.getsockname()[1]
    held[port] = holder
    return port


def return_port(_self, port):
    if port in held:
        held.pop(port).close()


# Other systems refuse a second socket on a bound port, and Enterprise Gateway 3 has no such class.
if sys.platform == "linux" and cache is not None:
    cache.find_available_port = find_available_port
    cache.return_port = return_port
