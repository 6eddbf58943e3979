"""Which account serves next, and what a failed attempt means for it; pure."""
