"""What holds for every test; see tests/support for what tests ask for by name."""

pytest_plugins = ["support.skips"]
