"""What became of a recorded exchange on its way; no gateway need run."""

from pathlib import Path

from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.recordings import Recordings
from korproxy_addons.recording.differences import ExchangeDifference, difference_of
from korproxy_addons.recording.record import Recording


def difference(home: Path, name: str | None = None) -> ExchangeDifference:
    """
    What the client sent beside what was sent on, and the same of the replies.

    Args:
        home: The KorProxy folder.
        name: Id of the recording, the end of one, or the request's correlation id; None: the newest.
    Raises:
        KorProxyError: RECORDING_UNKNOWN.
    """
    return difference_of(recorded(home, name))


def recorded(home: Path, name: str | None = None) -> Recording:
    """
    The recording that a person means; None is the newest.

    Raises:
        KorProxyError: RECORDING_UNKNOWN.
    """
    recordings = Recordings(home)
    if name is not None:
        return recordings.load(name)
    newest = next(iter(recordings.all()), None)
    if newest is None:
        raise KorProxyError(RECORDING_UNKNOWN, "nothing is recorded")
    return recordings.load(newest.id)
