"""
Windows: a job object ends the gateway with its launcher, however that one ends.

The launcher holds the only handle of the job. When the launcher is gone, the system closes the handle, and with it ends every
process in the job: at once, what is in flight is cut. (Where the launcher ends in order, the gateway has ended before.) On other
systems the gateway itself notices: by the end of its control pipe, and on Linux by a signal of the kernel besides.
"""

import ctypes
import logging
import sys
from collections.abc import Callable
from ctypes import wintypes
from functools import cache
from typing import Any

log = logging.getLogger("korproxy.launcher")

KILL_ON_JOB_CLOSE = 0x2000
EXTENDED_LIMITS = 9
SET_QUOTA_AND_TERMINATE = 0x0100 | 0x0001


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    )


class _Counters(ctypes.Structure):
    """IO_COUNTERS."""

    _fields_ = tuple((f"Counter{number}", ctypes.c_uint64) for number in range(6))


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", _Counters),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class Job:
    """
    A job whose processes end with the process that made it.

    Args:
        kernel: `kernel32`, as ctypes loads it.
        error: The last error of the system, as an exception.
    Raises:
        OSError: the system refuses.
    """

    def __init__(self, kernel: Any, error: Callable[[], OSError]) -> None:
        self._kernel = kernel
        self._error = error
        # A handle does not fit into the int that ctypes takes a result for.
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.SetInformationJobObject.argtypes = (
            wintypes.HANDLE,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint32,
        )
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        # It is never closed here: that is what the end of this process does.
        self._handle = self._checked(kernel.CreateJobObjectW(None, None))
        limits = ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = KILL_ON_JOB_CLOSE
        self._checked(
            kernel.SetInformationJobObject(
                self._handle, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
            )
        )

    def take(self, pid: int) -> None:
        """
        Put a process into the job, and whatever it starts.

        Raises:
            OSError: the system refuses.
        """
        process = self._checked(self._kernel.OpenProcess(SET_QUOTA_AND_TERMINATE, False, pid))
        try:
            self._checked(self._kernel.AssignProcessToJobObject(self._handle, process))
        finally:
            self._kernel.CloseHandle(process)

    def _checked(self, result: Any) -> Any:
        if not result:
            raise self._error()
        return result


@cache
def job_of_this_launcher() -> Job | None:
    """The job for all gateways of this process; None where the system knows no such thing, or refuses."""
    if sys.platform == "win32":
        try:
            return Job(
                ctypes.WinDLL("kernel32", use_last_error=True),
                lambda: ctypes.WinError(ctypes.get_last_error()),
            )
        except OSError as error:
            log.warning("no job object", extra={"fields": {"error": str(error)}})
    return None


def end_with_launcher(pid: int, job: Job | None = None) -> None:
    """Have the gateway end with this launcher; where that is refused, the end of its control pipe is what is left."""
    job = job or job_of_this_launcher()
    if job is None:
        return
    try:
        job.take(pid)
    except OSError as error:
        log.warning("gateway in no job", extra={"fields": {"error": str(error)}})
