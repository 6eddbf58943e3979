"""Past requests, with what there is to say about them."""

from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.past_exchanges import Wanted
from launcher.actions import exchanges
from launcher.actions.exchanges import one, recent
from support.ledgers import failed, ledger, record


def test_the_newest_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = ledger(tmp_path, *(record(number) for number in range(1, 5)))
    assert [it.id for it in recent(home, limit=2)] == ["kp0004", "kp0003"]
    assert [it.id for it in recent(home, Wanted(text="kp0001"))] == ["kp0001"]
    monkeypatch.setattr(exchanges, "MOST_SHOWN", 3)
    assert len(recent(home, limit=10**6)) == 3


def test_one_comes_with_its_error_and_the_names_of_accounts(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1), failed(2, "KP-NET-305"), failed(3, "overloaded_error"))
    told = one(home, "kp0002")
    assert (told.record.id, told.error) == ("kp0002", catalogue.CATALOGUE["KP-NET-305"])
    assert told.labels == {"mine": "My Claude", "other": "other"}
    assert one(home, "kp0001").error is None
    assert one(home, "kp0003").error is None, "an upstream's word is no code of ours"
    assert one(home).record.id == "kp0003", "the newest, where none is named"


def test_others_with_the_same_id_are_named(tmp_path: Path) -> None:
    home = ledger(tmp_path, *(record(it, request_id="same") for it in (1, 2, 3)))
    told = one(home, "same")
    assert (told.record.id, told.others) == ("kp0003", ("kp0002", "kp0001"))


@pytest.mark.parametrize("word", ["kp9999", "", None])
def test_what_is_not_there_is_said(tmp_path: Path, word: str | None) -> None:
    with pytest.raises(KorProxyError) as caught:
        one(tmp_path, word)
    assert caught.value.spec is catalogue.EXCHANGE_UNKNOWN
    assert recent(tmp_path) == ()


def test_it_is_shown_though_the_config_is_broken(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1))
    (home / "config.yaml").write_text("version: [")
    assert one(home, "kp0001").labels == {}
