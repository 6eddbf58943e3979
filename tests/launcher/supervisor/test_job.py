"""Job objects, on a kernel of the test's own; the real one: packaging/check_desktop.py on Windows."""

import ctypes
import logging
import struct
import sys
from typing import Any

import pytest

from launcher.supervisor.job import (
    EXTENDED_LIMITS,
    KILL_ON_JOB_CLOSE,
    SET_QUOTA_AND_TERMINATE,
    ExtendedLimits,
    Job,
    end_with_launcher,
    job_of_this_launcher,
)

JOB, PROCESS = 0x7FFF_0000_0000_0004, 0x8


class Call:
    """A function of the kernel: notes its arguments, and returns what it is told to."""

    def __init__(self, kernel: "Kernel", name: str, result: Any) -> None:
        self.kernel, self.name, self.result = kernel, name, result

    def __call__(self, *arguments: Any) -> Any:
        self.kernel.calls.append((self.name, *arguments))
        return 0 if self.name in self.kernel.refused else self.result


class Kernel:
    """What Windows knows of jobs."""

    def __init__(self, *refused: str) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refused = refused
        self.CreateJobObjectW = Call(self, "CreateJobObjectW", JOB)
        self.SetInformationJobObject = Call(self, "SetInformationJobObject", 1)
        self.OpenProcess = Call(self, "OpenProcess", PROCESS)
        self.AssignProcessToJobObject = Call(self, "AssignProcessToJobObject", 1)
        self.CloseHandle = Call(self, "CloseHandle", 1)

    def names(self) -> list[str]:
        return [name for name, *_ in self.calls]


def refusal() -> OSError:
    return OSError(5, "Access is denied")


@pytest.mark.skipif(struct.calcsize("P") != 8, reason="sizes of a 64-bit system")
def test_the_structure_is_as_large_as_windows_has_it() -> None:
    """winnt.h: 144 bytes, the flags behind two times of 64 bits. One byte more and the call is refused."""
    assert ctypes.sizeof(ExtendedLimits) == 144
    limits = ExtendedLimits()
    limits.BasicLimitInformation.LimitFlags = KILL_ON_JOB_CLOSE
    assert struct.unpack_from("<I", bytes(limits), 16) == (0x2000,)


def test_a_job_ends_its_processes_when_its_last_handle_is_closed() -> None:
    kernel = Kernel()
    Job(kernel, refusal)
    (made, told) = kernel.calls
    assert made == ("CreateJobObjectW", None, None)
    name, handle, kind, limits, size = told
    assert (name, handle, kind, size) == ("SetInformationJobObject", JOB, EXTENDED_LIMITS, 144)
    assert limits._obj.BasicLimitInformation.LimitFlags == KILL_ON_JOB_CLOSE
    assert "CloseHandle" not in kernel.names(), "closed by the end of the launcher, and not before"
    assert kernel.CreateJobObjectW.restype is ctypes.wintypes.HANDLE  # type: ignore[attr-defined]


def test_a_process_is_put_into_the_job_and_its_handle_given_back() -> None:
    kernel = Kernel()
    Job(kernel, refusal).take(77)
    assert kernel.calls[2:] == [
        ("OpenProcess", SET_QUOTA_AND_TERMINATE, False, 77),
        ("AssignProcessToJobObject", JOB, PROCESS),
        ("CloseHandle", PROCESS),
    ]


@pytest.mark.parametrize("name", ["CreateJobObjectW", "SetInformationJobObject"])
def test_a_job_that_cannot_be_made_is_an_error(name: str) -> None:
    with pytest.raises(OSError, match="Access is denied"):
        Job(Kernel(name), refusal)


@pytest.mark.parametrize("name", ["OpenProcess", "AssignProcessToJobObject"])
def test_a_gateway_that_cannot_be_taken_runs_all_the_same(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of its control pipe still ends it."""
    kernel = Kernel(name)
    with caplog.at_level(logging.WARNING):
        end_with_launcher(77, Job(kernel, refusal))
    (record,) = caplog.records
    assert "Access is denied" in record.__dict__["fields"]["error"]
    assert kernel.names().count("CloseHandle") == (name == "AssignProcessToJobObject")


@pytest.mark.skipif(sys.platform == "win32", reason="there it is")
def test_other_systems_know_no_jobs() -> None:
    assert job_of_this_launcher() is None
    end_with_launcher(1)
