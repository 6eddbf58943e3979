"""The launcher's own listener: its page and its API, for the person in front of this machine only."""
