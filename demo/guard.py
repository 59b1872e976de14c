"""Runs a command and ends it, with every descendant, when stdin closes or the command ends.

usage: guard.py FOLDER COMMAND [ARGUMENT...]

FOLDER is the command's private folder; it is removed at the end. Whoever starts the guard holds the other end of its
stdin: the kernel closes that end with its owner, however the owner ends, so nothing outlives it.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading

import psutil

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 8


def adopt_orphans():
    """Kernels live in sessions of their own; on Linux those whose parent dies become our children."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    return psutil.Process().children(recursive=True)


def end_all():
    """Kills what is left; once more for what was started meanwhile."""
    for _ in range(5):
        left = [process for process in descendants() if process.status() != psutil.STATUS_ZOMBIE]
        if not left:
            return
        for process in left:
            with_kill(process)
        psutil.wait_procs(left, timeout=3)


def with_kill(process):
    try:
        process.kill()
    except psutil.NoSuchProcess:
        pass


def main():
    folder, *command = sys.argv[1:]
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
    # Not everywhere are orphans adopted: remember them before their parent goes.
    known = descendants()
    if not ended.is_set():
        os.kill(child.pid, signal.SIGTERM)
        ended.wait(GRACE_SECONDS)
    for process in known:
        if process.is_running() and process.pid != os.getpid():
            with_kill(process)
    end_all()
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(codes[0] & 0xFF if codes else 1)


main()
