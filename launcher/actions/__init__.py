"""One function per verb: what the CLI does, and what an admin API can serve."""
