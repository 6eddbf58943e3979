import os
from pathlib import Path

import pytest
from msgspec import structs

from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.recordings import Kept, Recordings, Room
from korproxy_addons.recording.record import encode_recording
from support.recordings import recording

ROOM = Room(exchanges=100, bytes=10_000_000)


def id_of(number: int) -> str:
    return f"kp{number:028x}"


def save(
    recordings: Recordings,
    number: int,
    room: Room = ROOM,
    *,
    flow: bytes = b"flow",
    request: str = "",
) -> str:
    made = structs.replace(recording(), id=id_of(number), request_id=request or f"request-{number}")
    recordings.save(made.id, encode_recording(made), flow, room)
    return made.id


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path)


def names(recordings: Recordings) -> list[str]:
    return sorted(it.name for it in recordings.folder.iterdir())


def refused(recordings: Recordings, name: str) -> str:
    with pytest.raises(KorProxyError) as caught:
        recordings.load(name)
    assert caught.value.spec is RECORDING_UNKNOWN
    return caught.value.detail


def test_nothing_is_there_before_something_is(recordings: Recordings) -> None:
    assert recordings.all() == []
    assert recordings.ids() == []
    assert recordings.kept() == Kept(0, 0)
    assert recordings.clear() == 0
    assert not recordings.folder.exists()
    assert refused(recordings, id_of(1)) == id_of(1)


def test_what_is_saved_is_found_again(recordings: Recordings) -> None:
    for number in (1, 3, 2):
        save(recordings, number)
    again = Recordings(recordings.folder.parent)
    assert again.ids() == [it.id for it in again.all()] == [id_of(3), id_of(2), id_of(1)]
    assert again.load(id_of(2)).request_id == "request-2"
    assert again.flow(id_of(2)) == again.flow_path(id_of(2)).read_bytes() == b"flow"
    assert again.flow(id_of(9)) == b""
    size = sum(it.stat().st_size for it in again.folder.iterdir())
    assert again.kept() == Kept(3, size)


def test_one_is_found_by_any_of_its_names(recordings: Recordings) -> None:
    """Its id, the end of it where only one has that, its request's id: of several the newest."""
    save(recordings, 0xAB12, request="the-same")
    save(recordings, 0xCD12, request="the-same")
    save(recordings, 0xEF34, request="other")
    assert recordings.id_of(id_of(0xAB12)) == id_of(0xAB12)
    assert recordings.id_of("ef34") == id_of(0xEF34)
    assert recordings.id_of("the-same") == id_of(0xCD12)
    assert refused(recordings, "f34") == "f34"
    save(recordings, 0x1EF34)
    assert refused(recordings, "ef34") == "ef34"


@pytest.mark.parametrize("name", ["../../etc/passwd", "kp", "", "kp0.json", "/etc/passwd"])
def test_a_name_leads_nowhere_else(recordings: Recordings, name: str) -> None:
    save(recordings, 1)
    assert refused(recordings, name) == name


def test_of_all_those_that_went_meanwhile_are_passed_over(recordings: Recordings) -> None:
    wanted = [save(recordings, number) for number in (1, 2, 3)]
    (recordings.folder / f"{wanted[1]}.json").unlink()
    assert [it.id for it in recordings.load_all(wanted)] == [wanted[0], wanted[2]]


def test_the_oldest_make_room_by_number(recordings: Recordings) -> None:
    for number in range(6):
        save(recordings, number, Room(exchanges=3, bytes=10_000_000))
    assert recordings.ids() == [id_of(5), id_of(4), id_of(3)]
    assert len(names(recordings)) == 6


def test_the_oldest_make_room_by_bytes(recordings: Recordings) -> None:
    save(recordings, 1)
    one = recordings.kept().bytes
    for number in range(2, 6):
        save(recordings, number, Room(exchanges=100, bytes=one * 3 + 10))
    assert recordings.ids() == [id_of(5), id_of(4), id_of(3)]
    save(recordings, 6, Room(exchanges=100, bytes=10))
    assert recordings.ids() == []


def test_another_that_writes_beside_it_is_counted_too(recordings: Recordings) -> None:
    """A successor may serve already while its predecessor still finishes."""
    other = Recordings(recordings.folder.parent)
    room = Room(exchanges=4, bytes=10_000_000)
    for number in range(4):
        save((recordings, other)[number % 2], number, room)
    for number in range(4, 8):
        save(recordings, number, room)
    assert len(recordings.ids()) == 4
    assert recordings.ids()[0] == id_of(7)


def test_what_was_cleared_meanwhile_is_not_counted(recordings: Recordings) -> None:
    save(recordings, 1)
    save(recordings, 2)
    assert Recordings(recordings.folder.parent).clear() == 2
    for number in range(3, 6):
        save(recordings, number, Room(exchanges=3, bytes=10_000_000))
    assert recordings.ids() == [id_of(5), id_of(4), id_of(3)]
    assert recordings.clear() == 3
    assert names(recordings) == []
    save(recordings, 7)
    assert recordings.ids() == [id_of(7)]


def test_half_of_one_is_none(recordings: Recordings) -> None:
    """What a crash leaves is not listed, and the next writer clears it away, once nobody can still be writing it."""
    save(recordings, 1)
    aside = recordings.folder / f".{id_of(2)}.json.4711.new"
    flow = recordings.folder / f"{id_of(3)}.flow"
    just_begun = recordings.folder / f".{id_of(4)}.flow.4712.new"
    for path in (aside, flow, just_begun):
        path.write_bytes(b'{"id"')
    for path in (aside, flow):
        os.utime(path, (1, 1))
    assert recordings.ids() == [it.id for it in recordings.all()] == [id_of(1)]
    save(Recordings(recordings.folder.parent), 5)
    assert names(recordings) == sorted(
        [just_begun.name, *(f"{id_of(it)}{end}" for it in (1, 5) for end in (".flow", ".json"))]
    )


def test_a_file_that_is_none_breaks_nothing(recordings: Recordings) -> None:
    save(recordings, 1)
    for number, data in ((2, b""), (3, b"\xff"), (4, b'{"id": 1}')):
        (recordings.folder / f"{id_of(number)}.json").write_bytes(data)
    (recordings.folder / "notes.json").write_bytes(b"{}")
    (recordings.folder / f"{id_of(5)}.json").mkdir()
    assert [it.id for it in recordings.all()] == [id_of(1)]
    assert "its file cannot be read" in refused(recordings, id_of(3))
    assert recordings.id_of("request-1") == id_of(1)


def test_one_that_vanishes_meanwhile_is_unknown(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(recordings, 1)
    monkeypatch.setattr(recordings, "id_of", lambda _name: id_of(2))
    assert refused(recordings, "2") == "2: No such file or directory"


def test_what_cannot_be_written_leaves_nothing(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(recordings, 1)

    def full(self: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise OSError(28, "No space left on device")
        return self.rename(target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save(recordings, 2)
    assert recordings.ids() == [id_of(1)]
    assert len(names(recordings)) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_only_the_user_can_read_them(recordings: Recordings) -> None:
    umask = os.umask(0)
    try:
        save(recordings, 1)
    finally:
        os.umask(umask)
    assert recordings.folder.stat().st_mode & 0o077 == 0
    assert [it.name for it in recordings.folder.iterdir() if it.stat().st_mode & 0o077] == []
