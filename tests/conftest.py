"""What holds for every test; see tests/support for what tests ask for by name."""

import os
import signal

from hypothesis import settings

pytest_plugins = ["support.skips"]

# What a change has to pass is the same examples every time; a person's own runs go on looking for new ones.
# Nor may it fail because the machine is busy: how long one example takes says nothing there.
settings.register_profile("ci", derandomize=True, database=None, print_blob=True, deadline=None)
if os.environ.get("CI") or os.environ.get("KORPROXY_NO_SKIPS"):
    settings.load_profile("ci")

# No test writes into the keyring of whoever runs it; those about a keyring start one of their own.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

# A shell that starts this in the background has Ctrl-C ignored, and every program that a test starts would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
