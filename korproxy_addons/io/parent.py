"""The gateway ends with the launcher that started it, however that one ended."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> bool:
    """
    Have the kernel send SIGTERM, which is taken as a wish to drain, when the parent's thread that started us ends (Linux).

    On other systems the end of the control pipe must do; on Linux it comes beside.

    Args:
        parent: Process id of who started us.
    Returns:
        False where that process is gone already, and nobody will ever be told: end at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    # Armed first, asked second: a parent that dies in between is noticed either way.
    return not is_orphan(parent)


def is_orphan(parent: int) -> bool:
    """Whether the process that started us is gone; never on Windows, where a child keeps its parent's number."""
    return os.name == "posix" and os.getppid() != parent
