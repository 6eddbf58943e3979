"""What holds for every test; see tests/support for what tests ask for by name."""

import os
import signal

from hypothesis import settings

pytest_plugins = ["support.left_open", "support.skips"]

# How long one example takes says nothing on a machine that does other things too.
settings.register_profile("any", deadline=None)
settings.load_profile("any")
# What a change has to pass is the same examples every time; a person's own runs go on looking for new ones.
settings.register_profile(
    "ci", settings.get_profile("any"), derandomize=True, database=None, print_blob=True
)
if os.environ.get("CI") or os.environ.get("KORPROXY_NO_SKIPS"):
    settings.load_profile("ci")

# No test writes into the keyring of whoever runs it; those about a keyring start one of their own.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

# A shell that starts this in the background has Ctrl-C ignored, and every program that a test starts would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# One that starts it by `nohup` has the end of its terminal ignored; with a handler it stays so here, and a program begins as ever.
if os.name == "posix" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
