"""Runs a command and ends it, with every descendant, when stdin closes or the command ends.

usage: guard.py GRACE_SECONDS FOLDER COMMAND [ARGUMENT...]

The command is asked to end and killed after GRACE_SECONDS. FOLDER is its private folder; it is removed at the end. Whoever starts the guard holds the other end of its
stdin: the kernel closes that end with its owner, however the owner ends, so nothing outlives it.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
KILLING_SECONDS = 10
LINUX = sys.platform.startswith("linux")


def adopt_orphans():
    """Kernels live in sessions of their own; on Linux those whose parent dies become our children."""
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents():
    """Every living process and its parent."""
    rows = linux_rows() if LINUX else ps_rows()
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def ps_rows():
    listing = subprocess.Popen(["ps", "-axo", "pid=,ppid=,state="], stdout=subprocess.PIPE, text=True)
    return [line.split() for line in listing.stdout]


def linux_rows():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                # The name before the state may contain anything, even brackets and blanks.
                state, parent = stat.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        yield pid, parent, state


def descendants():
    table = parents()
    found = [os.getpid()]
    for ancestor in found:
        found += [pid for pid, parent in table.items() if parent == ancestor]
    return found[1:]


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def end_all():
    """Kills what remains, and repeats that for processes that were started meanwhile."""
    deadline = time.monotonic() + KILLING_SECONDS
    while (left := descendants()) and time.monotonic() < deadline:
        kill_all(left)
        time.sleep(0.02)


def main():
    grace_seconds, folder, *command = sys.argv[1:]
    finish = threading.Event()
    ended = threading.Event()
    codes = []
    adopt_orphans()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: finish.set())
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def watch_owner():
        while os.read(0, 1024):
            pass
        finish.set()

    def reap():
        # Adopted orphans have to be waited for too, or they stay as zombies.
        while True:
            try:
                pid, status = os.wait()
            except ChildProcessError:
                return
            if pid == child.pid:
                codes.append(os.waitstatus_to_exitcode(status))
                ended.set()
                finish.set()

    threading.Thread(target=watch_owner, daemon=True).start()
    threading.Thread(target=reap, daemon=True).start()
    finish.wait()
    # Orphans are not adopted on every system, so remember them before their parent ends.
    known = descendants()
    if not ended.is_set():
        os.kill(child.pid, signal.SIGTERM)
        ended.wait(float(grace_seconds))
    if not LINUX:
        kill_all(known)
    end_all()
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(codes[0] & 0xFF if codes else 1)


main()
