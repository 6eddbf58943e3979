"""A clock that moves when the test says so."""


class FakeClock:
    """
    Callable like `time.time` and `time.monotonic`.

    Attributes:
        now: Seconds; what the next call returns.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass; it never runs backwards."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back, but {seconds} s were asked for")
        self.now += seconds
