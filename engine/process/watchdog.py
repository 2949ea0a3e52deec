"""Ends this process when the one that it works for is gone, whatever else it is doing.

The end of stdin says the same in most cases; this also covers a pipe that somebody else inherited,
and, on Linux, a library that holds the interpreter's lock.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time

PARENT_VARIABLE = "MIXDIFF_PARENT"
_LOOK_EVERY_S = 0.5


def watch_parent(parent: str) -> None:
    """Watch over the client that started us; `parent` is its process's id, a colon, and a hint.

    The hint `thread` says that the client's main thread started us, so that Linux may kill us with
    it at once.
    """
    digits, _, hint = parent.partition(":")
    if not digits.isdecimal():
        return
    client = int(digits)
    watch = threading.Thread(target=_end_after, args=(client,), name="parent-watchdog", daemon=True)
    if sys.platform == "linux" and os.getppid() == client and hint == "thread":
        _die_with_parent()
    watch.start()


def _end_after(client: int) -> None:
    _wait_for_end_of(client)
    os._exit(0)  # from whichever thread: the main one may be deep in a call of a library


def _wait_for_ever() -> None:
    threading.Event().wait()


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _SYNCHRONIZE = 0x00100000
    _FOR_EVER = 0xFFFFFFFF

    def _wait_for_end_of(client: int) -> None:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(_SYNCHRONIZE, False, client)
        if not handle or kernel.WaitForSingleObject(wintypes.HANDLE(handle), _FOR_EVER):
            _wait_for_ever()  # not to be watched: the job object and the end of stdin remain

elif sys.platform == "darwin":
    import select

    def _wait_for_end_of(client: int) -> None:
        ended = select.kevent(
            client,
            filter=select.KQ_FILTER_PROC,
            flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT,
            fflags=select.KQ_NOTE_EXIT,
        )
        # A watch that cannot be set up is reported as an event too, with the reason as its data.
        (event,) = select.kqueue().control([ended], 1)
        if event.flags & select.KQ_EV_ERROR and event.data != errno.ESRCH:
            _wait_for_ever()  # not to be watched: the end of stdin remains

else:

    def _wait_for_end_of(client: int) -> None:
        parent = os.getppid()  # the client, or a launcher that stands between us
        if parent == 1 and client != 1:
            _wait_for_ever()  # a launcher that is gone by now tells nothing; stdin's end remains
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)


def _die_with_parent() -> None:
    import ctypes
    import signal

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
