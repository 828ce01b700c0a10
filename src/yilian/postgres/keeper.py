"""Stays beside the embedded PostgreSQL and ends it when the process that wanted it is gone.

Run as a program of its own, with the standard library alone: `python -I -S keeper.py UID GID COMMAND…`. Its standard input is a pipe
whose other end only the starter holds; when the starter ends, even by `kill -9`, the kernel closes that end and the keeper reads
end-of-file. It lives in a session of its own, so that Ctrl-C in the terminal reaches the web server first and the database last.
UID -1 means: do not change the account.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from typing import Any

FAST_S = 30
"""How long open transactions may take to roll back before the server is told to drop everything (it recovers at the next start)."""


def main(uid: int, gid: int, command: list[str]) -> int:
    """Run `command` until it ends by itself or standard input closes; returns its exit code."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: os.close(0))
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    switch: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []} if uid >= 0 else {}
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd="/", **switch)
    while server.poll() is None:
        try:
            ready, _, _ = select.select([0, wake_read], [], [])
        except (OSError, ValueError):  # SIGTERM closed standard input
            break
        if wake_read in ready:
            os.read(wake_read, 64)
        if 0 in ready and not os.read(0, 64):
            break
    return stop(server)


def stop(server: subprocess.Popen[bytes]) -> int:
    """Fast shutdown; after FAST_S seconds immediate shutdown."""
    for sign in (signal.SIGINT, signal.SIGQUIT):
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return server.wait(FAST_S)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
