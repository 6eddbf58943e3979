"""
Makes mitmproxy's own machinery cheaper, without changing what it does.

mitmproxy walks all addons for every hook, twice, makes a task of each hook, and turns every log line into a walk of its own.
Measured on 12.2, that is half of a request's cost. With a plan of who listens to what, which the layer itself goes through
(`GatewayLayer.handle_event`), and without the legacy log events, it is nearly free.
On a version this was not measured on, nothing is installed and all works as before.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from mitmproxy import addonmanager, ctx, exceptions, flow, hooks, version
from mitmproxy.master import Master
from mitmproxy.proxy import commands

from korproxy_addons.gateway import quick_objects

MEASURED_ON = ("12.2.",)

log = logging.getLogger("korproxy.fastpath")

_BEGIN = "korproxy_begin"

type Listener = Callable[..., Any]
type Plan = tuple[tuple[Listener, ...], ...]
"""The listeners to one hook, by addon: an exception in one keeps those after it in the same addon from being called."""
type Calls = Generator[Awaitable[Any]]
type Begin = Callable[[commands.StartHook], "Unfinished | None"]
"""Has a hook handled at once; returns what is left to wait for, None if nothing is."""


@dataclass
class Unfinished(commands.StartHook):
    """What is left of `hook`, which some handler keeps waiting: the one is complete with the other."""

    name = "korproxy_unfinished"
    rest: Coroutine[Any, Any, None]
    hook: commands.StartHook

    def args(self) -> list[Any]:
        return [self.rest]


def begin_of(master: Master) -> Begin | None:
    """How hooks are handled without a task for each; None where the master is mitmproxy's own."""
    begin: Begin | None = getattr(master.addons, _BEGIN, None)
    return begin


class FastPath:
    """Installs the cached dispatch once the master runs; `active` says whether it is on."""

    def __init__(self) -> None:
        self.active = False

    def running(self) -> None:
        if not version.VERSION.startswith(MEASURED_ON):
            log.info("fastpath off", extra={"fields": {"mitmproxy": version.VERSION}})
            return
        if not any(hasattr(it, "add_log") for it in addonmanager.traverse(ctx.master.addons.chain)):
            ctx.master._legacy_log_events.uninstall()
        CachedDispatch(ctx.master).install()
        quick_objects.install()
        self.active = True


class CachedDispatch:
    """
    A plan of listeners per hook, in place of a walk over all addons.

    The plan is made anew after an addon came or went, or an option changed (an addon may then grow a hook).
    """

    def __init__(self, master: Master) -> None:
        self._manager: Any = master.addons
        self._options = master.options
        self._walk: Callable[[hooks.Hook], Any] = self._manager.trigger_event
        self._plans: dict[str, Plan] = {}

    def install(self) -> None:
        """Put the plan in front of the addon manager's own walk."""
        manager = self._manager
        for name in ("register", "remove", "clear"):
            setattr(manager, name, self._then_forget(getattr(manager, name)))
        manager.trigger_event = self._trigger
        manager.handle_lifecycle = self._lifecycle
        setattr(manager, _BEGIN, self.begin)
        # Signals hold their receivers weakly; this one lives as long as the manager, which holds `_trigger`.
        self._options.changed.connect(self._forget)

    def _forget(self, updated: set[str]) -> None:  # noqa: ARG002 - named so by the signal
        self._plans.clear()

    def _then_forget(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            try:
                return method(*arguments)
            finally:
                self._plans.clear()

        return run

    def _plan(self, event: hooks.Hook) -> Plan | None:
        """The plan for a hook; None where some addon's handler cannot be called."""
        plan = self._plans.get(event.name)
        if plan is None:
            walked = (
                tuple(listener for _, listener in self._manager._iter_hooks(addon, event))
                for addon in self._manager.chain
            )
            try:
                plan = tuple(listeners for listeners in walked if listeners)
            except exceptions.AddonManagerError:
                return None
            self._plans[event.name] = plan
        return plan

    def begin(self, hook: commands.StartHook) -> Unfinished | None:
        """See `Begin`; for hooks of one argument."""
        calls = self._calls_of_life(hook)
        # As in a task of its own, what a handler sets in its context ends with the hook.
        waited = copy_context().run(next, calls, None)
        if waited is None:
            return None
        left = Unfinished(self._rest(hook, calls, waited), hook)
        # No longer plainly True where a layer waits for it already: those around it go on.
        left.blocking = hook.blocking
        return left

    async def _rest(self, hook: hooks.Hook, calls: Calls, waited: Awaitable[Any]) -> None:
        # Whoever watches the hook is told by this in which context it goes on.
        hook.args()
        await _driven(calls, waited)

    async def _trigger(self, event: hooks.Hook) -> None:
        calls = self._calls(event, event.args())
        await _driven(calls, next(calls, None))

    async def _lifecycle(self, event: hooks.Hook) -> None:
        if isinstance(event, Unfinished):
            await event.rest
            return
        calls = self._calls_of_life(event, resumes=False)
        await _driven(calls, next(calls, None))

    def _calls_of_life(self, event: hooks.Hook, *, resumes: bool = True) -> Calls:
        arguments = event.args()
        message = arguments[0]
        yield from self._calls(event, arguments)
        if isinstance(message, flow.Flow):
            if self._plans.get(hooks.UpdateHook.name) != ():
                yield from self._calls(hooks.UpdateHook([message]), [[message]])
            if resumes and message.intercepted:
                yield message.wait_for_resume()

    def _calls(self, event: hooks.Hook, arguments: list[Any]) -> Calls:
        """Call who listens, and give out what is to be awaited before it goes on."""
        plan = self._plan(event)
        if plan is None:
            # mitmproxy knows what to say of it.
            yield self._walk(event)
            return
        for listeners in plan:
            try:
                for listener in listeners:
                    result = listener(*arguments)
                    if result is not None and inspect.isawaitable(result):
                        yield result
            except Exception:  # noqa: BLE001 - told below, in mitmproxy's words
                try:
                    with addonmanager.safecall():
                        raise
                except exceptions.AddonHalt:
                    return


async def _driven(calls: Calls, waited: Awaitable[Any] | None) -> None:
    """Go through calls to their end, from the one that has to be waited for."""
    while waited is not None:
        try:
            await waited
        except BaseException as error:  # noqa: BLE001 - it is the handler's, who may catch it
            waited = _thrown(calls, error)
        else:
            waited = next(calls, None)


def _thrown(calls: Calls, error: BaseException) -> Awaitable[Any] | None:
    try:
        return calls.throw(error)
    except StopIteration:
        return None
