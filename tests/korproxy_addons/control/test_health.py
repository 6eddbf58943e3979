"""What tells gateways of different folders apart."""

from pathlib import PurePosixPath

from korproxy_addons.control.health import folder_mark


def test_a_mark_is_the_folders_own_and_does_not_tell_it() -> None:
    one, other = (
        folder_mark(PurePosixPath("/srv/mina/korproxy")),
        folder_mark(PurePosixPath("/x")),
    )
    assert one == folder_mark(PurePosixPath("/srv/mina/korproxy"))
    assert one != other
    assert "mina" not in one
    assert len(one) == 16
