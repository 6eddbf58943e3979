from launcher.admin.sessions import MOST_SESSIONS, SESSION_S, TICKET_S, Sessions


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_opens_one_session_once() -> None:
    sessions = Sessions("the-key", Clock())
    ticket = sessions.new_ticket()
    session = sessions.redeem(ticket)
    assert session is not None
    assert sessions.knows_session(session)
    assert sessions.redeem(ticket) is None
    assert not sessions.knows_session(ticket)
    assert not sessions.knows_session("")


def test_a_ticket_is_good_for_a_minute_and_a_session_for_a_month() -> None:
    clock = Clock()
    sessions = Sessions("the-key", clock)
    late, right = sessions.new_ticket(), sessions.new_ticket()
    clock.now += TICKET_S
    session = sessions.redeem(right)
    clock.now += 0.1
    assert sessions.redeem(late) is None
    assert session is not None
    clock.now += SESSION_S - 0.2
    assert sessions.knows_session(session)
    clock.now += 0.2
    assert not sessions.knows_session(session)


def test_only_the_key_is_the_key() -> None:
    sessions = Sessions("the-key", Clock())
    assert sessions.knows_key("the-key")
    for other in ("", "the-kez", "the-key ", "\udcff"):
        assert not sessions.knows_key(other)


def test_no_more_is_kept_than_a_person_needs() -> None:
    sessions = Sessions("the-key", Clock())
    tickets = [sessions.new_ticket() for _ in range(MOST_SESSIONS + 5)]
    assert sessions.redeem(tickets[0]) is None
    assert sessions.redeem(tickets[-1]) is not None


def test_nothing_that_opens_a_door_is_kept() -> None:
    """Whoever sees its memory in a crash report sees digests."""
    sessions = Sessions("the-key", Clock())
    ticket = sessions.new_ticket()
    session = sessions.redeem(sessions.new_ticket()) or ""
    kept = repr(vars(sessions))
    for word in ("the-key", ticket, session):
        assert word not in kept


def test_a_key_of_ones_own_opens_as_the_run_s_does_and_none_opens_nothing() -> None:
    """KORPROXY_MANAGEMENT_KEY: scripts cannot know the key of a run."""
    sessions = Sessions("the-key", Clock(), "my own key")
    assert [sessions.knows_key(it) for it in ("the-key", "my own key", "", "my own")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not Sessions("the-key", Clock()).knows_key("")
