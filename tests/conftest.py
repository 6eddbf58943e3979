"""What holds for every test; see tests/support for what tests ask for by name."""

import os

from hypothesis import settings

pytest_plugins = ["support.skips"]

# What a change has to pass is the same examples every time; a person's own runs go on looking for new ones.
settings.register_profile("ci", derandomize=True, database=None, print_blob=True)
if os.environ.get("CI") or os.environ.get("KORPROXY_NO_SKIPS"):
    settings.load_profile("ci")

# No test writes into the keyring of whoever runs it; those about a keyring start one of their own.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
