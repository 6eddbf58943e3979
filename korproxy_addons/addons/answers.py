"""What the launcher may ask a running gateway: how busy it is, how its accounts stand, where a request would go."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from korproxy_addons.addons.control import Control
from korproxy_addons.addons.dispatch import Dispatch
from korproxy_addons.addons.state import State
from korproxy_addons.addons.steering import Question
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.explain_query import Known, Query, answer
from korproxy_addons.io.workspace import project_at


class Answers:
    """
    Answers from what the gateway knows now.

    Args:
        store: The config.
        control: Knows what is in flight.
        dispatch: Knows the accounts and their models.
        state: Knows how they stand, and what was before.
    """

    def __init__(
        self, store: ConfigStore, control: Control, dispatch: Dispatch, state: State
    ) -> None:
        self._store = store
        self._control = control
        self._dispatch = dispatch
        self._state = state

    def questions(self) -> dict[str, Question]:
        """The questions, by name."""
        return {
            "stats": self._stats,
            "accounts": self._accounts,
            "explain": self._explain,
            "reset-account": self._reset,
        }

    async def _stats(self, _about: dict[str, Any]) -> dict[str, Any]:
        return {"in_flight": self._control.in_flight}

    async def _accounts(self, _about: dict[str, Any]) -> list[dict[str, Any]]:
        return [it.model_dump() for it in self._control.accounts()]

    async def _reset(self, about: dict[str, Any]) -> dict[str, Any]:
        """What is held against an account is forgotten, as a person asked; or `{"error": …}`."""
        account = str(about.get("account", ""))
        if self._store.current.account(account) is None:
            return _failure(KorProxyError(catalogue.ACCOUNT_UNKNOWN, account))
        self._state.fleet.pool.reset(account)
        return {"account": account}

    async def _explain(self, about: dict[str, Any]) -> dict[str, Any]:
        """A `Query`; its answer as `explaining.Explanation`, or `{"error": …}` as the one-shot program says it."""
        try:
            query = msgspec.convert(about, Query)
            if query.project:
                project = await asyncio.to_thread(project_at, Path(query.project), Path.home())
                query = replace(query, project=project.folder, project_word=project.profile_word)
            config = self._store.current
            services = self._dispatch.services()
            known = Known(
                config=config,
                accounts=services.wire.accounts(config),
                fleet=self._state.fleet,
                read=self._state.read,
                home=str(Path.home()),
                now=time.time(),
                live=services.lists.live,
                limits=services.limiter.reached,
            )
            return {"explanation": msgspec.to_builtins(answer(query, known))}
        except msgspec.ValidationError as error:
            return _failure(KorProxyError(catalogue.FIELD_INVALID, str(error)))
        except KorProxyError as error:
            return _failure(error)


def _failure(error: KorProxyError) -> dict[str, Any]:
    return {"error": {"code": error.spec.code, "detail": error.detail}}
