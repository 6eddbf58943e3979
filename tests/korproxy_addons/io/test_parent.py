import os
import signal
import subprocess
import sys
import textwrap

import pytest

from korproxy_addons.io.parent import end_with_parent

CHILD = """
import os, signal, sys
from korproxy_addons.io.parent import end_with_parent, is_orphan
assert not is_orphan(int(sys.argv[1]))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print(end_with_parent(int(sys.argv[1])), flush=True)
signal.sigwait([signal.SIGTERM])
print("told", is_orphan(int(sys.argv[1])), flush=True)
"""


def test_somebody_else_is_not_the_parent() -> None:
    program = f"from korproxy_addons.io.parent import end_with_parent; print(end_with_parent({os.getpid() + 1}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells on Linux only")
def test_the_kernel_tells_when_the_parent_is_killed() -> None:
    """Nothing the parent could have done: it gets SIGKILL."""
    middle = textwrap.dedent(
        """
        import os, subprocess, sys
        subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
        sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", middle, CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"True\n"
        parent.send_signal(signal.SIGKILL)
        assert parent.stdout.readline() == b"told True\n"


def test_the_real_parent_is_known() -> None:
    """Asked of this very process; on Linux the answer is armed, too, so it is taken back."""
    if sys.platform == "linux":
        done = subprocess.run(
            [sys.executable, "-c", f"from korproxy_addons.io.parent import end_with_parent as e; print(e({os.getpid()}))"],
            capture_output=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == b"True"
    else:
        assert end_with_parent(os.getppid())
