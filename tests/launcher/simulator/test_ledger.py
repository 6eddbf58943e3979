"""What is noted of each request."""

import threading

import pytest

from launcher.simulator.ledger import Entry, Ledger


def opened(ledger: Ledger) -> Entry:
    return ledger.open("claude", "POST", "/v1/messages", "beta=true", [("X-A", "1")])


def test_numbers_rise_and_go_on_after_a_reset() -> None:
    ledger = Ledger()
    assert [opened(ledger).number, opened(ledger).number] == [1, 2]
    ledger.clear()
    assert opened(ledger).number == 3


def test_long_bodies_are_known_by_their_hash() -> None:
    ledger = Ledger(keep_body_bytes=4)
    short, long = opened(ledger), opened(ledger)
    ledger.note_body(short, b"1234")
    ledger.note_body(long, b"12345")
    assert (short.body, long.body, long.body_bytes) == ("1234", None, 5)
    assert long.body_sha256.startswith("5994471abb01112a")
    assert "body" not in short.as_json(with_body=False)
    assert short.as_json(with_body=True)["body"] == "1234"


def test_an_entry_ends_once() -> None:
    ledger = Ledger()
    entry = opened(ledger)
    assert not entry.finished
    ledger.close(entry, client_gone=True)
    ledger.close(entry)
    assert entry.client_gone_at == entry.ended_at
    assert not entry.finished
    assert entry.header("x-a") == "1"
    assert entry.header("x-b") is None


def test_waiting_ends_with_the_change() -> None:
    ledger = Ledger()
    entry = opened(ledger)
    closer = threading.Thread(target=ledger.close, args=(entry,))
    closer.start()
    assert ledger.wait(lambda entries: entries[0].finished) == [entry]
    closer.join()
    with pytest.raises(TimeoutError, match="did not come to that"):
        ledger.wait(lambda entries: len(entries) > 1, timeout_s=0.01)


def test_a_touch_wakes_who_waits() -> None:
    ledger = Ledger()
    entry = opened(ledger)

    def send() -> None:
        entry.sent_frames = 3
        ledger.touch()

    sender = threading.Thread(target=send)
    sender.start()
    ledger.wait(lambda entries: entries[0].sent_frames == 3)
    sender.join()
