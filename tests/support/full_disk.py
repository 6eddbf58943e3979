"""A disk that fills up half way through a write, for tests of what is then left."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """
    The operating system lets no file of this process grow beyond `size` bytes; POSIX alone can.

    Not a fixture: pytest reports a test before its fixtures end, and cannot where its output is a longer file.
    """
    import resource  # POSIX alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
