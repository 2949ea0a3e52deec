"""Ties the engine's life to Blender's, by each system's own means.

The engine ends with its stdin, and watches the process that `parent_description` names. On Windows
a job object also ends it, with whatever a launcher of Python may have put between the two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

PARENT_VARIABLE = "MIXDIFF_PARENT"


def parent_description() -> str:
    """Return what the engine needs to know to notice our end: our process's id, and a hint.

    Linux can have a process killed with the thread that started it; only the main thread lives
    as long as Blender does.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return f"{os.getpid()}:{'thread' if is_main else 'process'}"


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _EXTENDED_LIMIT_INFORMATION = 9
    _KILL_ON_JOB_CLOSE = 0x2000
    _ACCESS_DENIED = 5

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", ctypes.c_uint32),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", ctypes.c_uint32),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", ctypes.c_uint32),
            ("SchedulingClass", ctypes.c_uint32),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("Basic", _BasicLimits),
            ("IoCounters", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    _STILL_ACTIVE = 259
    _QUERY_LIMITED_INFORMATION = 0x1000

    def is_running(pid: int) -> bool:
        """Return whether a process runs; os.kill with signal 0 would end it here."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
        if not handle:
            return ctypes.get_last_error() == _ACCESS_DENIED
        code = wintypes.DWORD()
        kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
        kernel.CloseHandle(wintypes.HANDLE(handle))
        return code.value == _STILL_ACTIVE

    def _new_job(kernel: Any) -> int:
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        job: int | None = kernel.CreateJobObjectW(None, None)
        limits = _ExtendedLimits()
        limits.Basic.LimitFlags = _KILL_ON_JOB_CLOSE
        if not job or not kernel.SetInformationJobObject(
            wintypes.HANDLE(job),
            _EXTENDED_LIMIT_INFORMATION,
            ctypes.byref(limits),
            ctypes.sizeof(limits),
        ):
            raise ctypes.WinError(ctypes.get_last_error())
        return job

    _job: int | None = None

    def tie_to_parent(process: subprocess.Popen[bytes]) -> None:
        """Put a process into a job object whose only handle is ours: the system closes it."""
        global _job
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        _job = _job or _new_job(kernel)
        handle = wintypes.HANDLE(int(process._handle))  # type: ignore[attr-defined]
        kernel.AssignProcessToJobObject(wintypes.HANDLE(_job), handle)

else:

    def is_running(pid: int) -> bool:
        """Return whether a process runs."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it is somebody else's
        return True

    def tie_to_parent(process: subprocess.Popen[bytes]) -> None:
        """Do nothing: the engine itself watches over its end here."""
