"""
What a person is told without asking, at once: over the control pipe to the launcher, which shows it as a notification.

Troubles of accounts, windows that run low, the user's own limits that are reached, the network that is gone and back. Each once.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from korproxy_addons.accounts.health import Health
from korproxy_addons.accounts.news import AccountNews, AccountTrouble, Trouble
from korproxy_addons.addons.state import State
from korproxy_addons.config.limits import Per
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.control.protocol import Network, Notice, Report
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.quota import Window, Windows
from korproxy_addons.usage.limits import Reached

_MOST_TOLD = 256
_TITLES = {
    catalogue.TOKEN_EXPIRED.code: "Your session has expired",
    catalogue.OAUTH_FAILED.code: "Authorization was rejected",
    catalogue.OVERAGE_HELD.code: "Plan limit reached",
}
"""In the words that people know; else the catalogue's title is it."""
_OVERAGE_TEXT = "it rests, as going on would cost extra. Allow it with a cap, or wait."


class Notices:
    """
    Words what has happened, and tells it.

    Args:
        store: Knows the accounts' names for people.
        state: Is listened to.
        clock: Unix seconds.
    """

    def __init__(self, store: ConfigStore, state: State, clock: Callable[[], float]) -> None:
        self._store = store
        self._state = state
        self._clock = clock
        self._news = AccountNews()
        self._reached: dict[tuple[str, str], float] = {}
        self.tell: Callable[[Report], None] = lambda _report: None
        state.on_health = self.health
        state.on_windows = self.windows

    def load(self, _loader: object) -> None:
        fleet = self._state.fleet
        known = {it.id: fleet.quota.windows(it.id) for it in self._store.current.accounts}
        self._news.restore(fleet.pool.snapshot(), known, self._clock())

    def apply_config(self) -> None:
        """A new config is in force."""
        self._news.keep(it.id for it in self._store.current.accounts)

    def health(self, account_id: str, pattern: str, health: Health | None) -> None:
        """The health of an account has changed."""
        trouble = self._news.health(account_id, pattern, health)
        if trouble is not None:
            self._trouble(trouble)

    def windows(self, account_id: str, windows: Windows) -> None:
        """A provider has told how full these windows of an account are."""
        for window in self._news.windows(account_id, windows, self._clock()):
            self._low(self._label(account_id), window)

    def reached(self, reached: Reached, now: float) -> None:
        """A limit that the user has set is reached; told once in its period, and not at all where that is a minute."""
        key = (reached.limit.name, reached.who)
        if reached.limit.per is Per.MINUTE or now < self._reached.get(key, 0.0):
            return
        if len(self._reached) >= _MOST_TOLD:
            self._reached = {key: end for key, end in self._reached.items() if end > now}
        self._reached[key] = reached.resets_at
        spec = catalogue.LIMIT_REACHED
        self.tell(Notice(spec.code, "", _sentence(reached.words(now)), title=spec.title))

    def network(self, offline: bool) -> None:  # noqa: FBT001 - what Dispatch tells
        """No provider can be reached any more, or one can be again."""
        self.tell(Network(offline))
        if offline:
            spec = catalogue.OFFLINE
            self.tell(Notice(spec.code, "", spec.remedy[0], title=spec.title))
        else:
            self.tell(Notice("", "", "Providers can be reached again.", title="Back online"))

    def _trouble(self, it: AccountTrouble) -> None:
        label = self._label(it.account_id)
        spec = catalogue.CATALOGUE.get(it.health.code, catalogue.ACCOUNT_REJECTED)
        title = _TITLES.get(spec.code, spec.title)
        if it.trouble is Trouble.MONEY and spec is catalogue.OVERAGE_HELD:
            text = f"{label}: {_OVERAGE_TEXT}"
        else:
            text = f"{label}: {spec.remedy[0]}"
        self.tell(Notice(spec.code, label, text, title=title))

    def _low(self, label: str, window: Window) -> None:
        left = window.remaining_share() or 0.0
        text = f"{left * 100:.0f} % of {window.name} left."
        if window.reset_at is not None:
            text += f" It resets {_moment(window.reset_at, self._clock())}."
        title = f"{label} runs low" if left else f"{label} is used up"
        self.tell(Notice("", label, text, title=title))

    def _label(self, account_id: str) -> str:
        account = self._store.current.account(account_id)
        return account_id if account is None else account.shown_as


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _moment(at: float, now: float) -> str:
    """A time for people, in local time: today's without the day."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    today = datetime.fromtimestamp(now, UTC).astimezone().date()
    return local.strftime("%H:%M" if local.date() == today else "%a %H:%M")
