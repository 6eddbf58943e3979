"""The simulator as an object: start it on a loopback port, script it, read its ledger, stop it."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from launcher.simulator import faults, scenarios
from launcher.simulator.accesses import ACCESSES
from launcher.simulator.authorizations import Authorizations
from launcher.simulator.call import Call, Refused, Replaced, Reply, World
from launcher.simulator.contracts.base import Contract
from launcher.simulator.control import Control
from launcher.simulator.decoding import MAX_BYTES, UnsupportedEncoding, decoded
from launcher.simulator.hosts import contracts
from launcher.simulator.ids import Ids
from launcher.simulator.ledger import Entry, Ledger
from launcher.simulator.logins import Logins
from launcher.simulator.script import Rule, Script
from launcher.simulator.transport import Emission, Sender

_LOG = logging.getLogger("simulator")


class Simulator:
    """
    All five providers, and generic endpoints, on one loopback port.

    Args:
        port: 0 for any free one.
        clock: Unix seconds; what all times in replies come from.
        keep_body_bytes: Longest request body whose text the ledger keeps.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        clock: Callable[[], float] = time.time,
        keep_body_bytes: int = 1 << 20,
    ) -> None:
        self.ledger = Ledger(keep_body_bytes)
        self.world = World(clock, Ids(), Script(), Logins())
        self.port = port
        self._contracts = contracts()
        self._released = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """The simulator's origin, once it is started."""
        return self.world.base_url

    async def start(self) -> None:
        """
        Listen on 127.0.0.1.

        Raises:
            OSError: the port is taken.
        """
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=MAX_BYTES)
        Control(self).add_to(app)
        app.router.add_route("*", "/{host}{path:.*}", self._serve)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            auto_decompress=False,
            shutdown_timeout=0.2,
            max_line_size=1 << 20,
            max_field_size=1 << 20,
            max_headers=4096,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.world.base_url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._loop = None

    def script(self, fault: str, **words: Any) -> Rule:
        """
        Queue a fault; see `faults` for names and settings, `script.Rule` for what it can be tied to.

        Raises:
            ValueError: there is no such fault.
        """
        if fault not in faults.FAULTS:
            raise ValueError(f"no such fault: {fault}")
        rule = Rule.from_words(fault, words)
        self.world.script.add(rule)
        return rule

    def scenario(self, name: str) -> "scenarios.Scenario":
        """
        Set up a named scenario and say what to do in it.

        Raises:
            ValueError: there is no such scenario.
        """
        return scenarios.start(name, self.world, lambda fault, words: self.script(fault, **words))

    def release(self) -> None:
        """Let go what is held, and hold nothing more until `hold` or the next reset. Usable from every thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._released.set)

    def hold(self) -> None:
        """Hold again what is asked for from now on and is to be held; what was released goes on."""
        self._released = asyncio.Event()

    def reset(self) -> None:
        """Forget rules, ledger, refreshed tokens and a wrong clock, let go what is held; ids go on."""
        self.release()
        self.hold()
        self.world.script.clear()
        self.ledger.clear()
        self.world.logins = Logins()
        self.world.authorizations = Authorizations()
        self.world.operations.clear()
        self.world.projects.clear()
        self.world.skew_s = 0.0

    def urls(self) -> dict[tuple[str, str], dict[str, str]]:
        """
        What to write in a configuration, by (provider, access).

        Each value has `host` and `base` (URLs), `token`, `quota`, `auth`, `device`, `profile` and `discovery` (URLs, or
        empty), `dialect`, `secret`, `model` and `account_id`.
        """
        found = {}
        for each in ACCESSES:
            names = ("host", "base", "token", "quota", "auth", "device", "profile", "discovery")
            paths = {name: getattr(each, name) for name in names}
            found[each.provider, each.access] = {
                **{name: self.base_url + path if path else "" for name, path in paths.items()},
                "dialect": each.dialect,
                "secret": each.secret,
                "model": each.model,
                "account_id": each.account_id,
            }
        return found

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        host = request.match_info["host"]
        path = request.rel_url.raw_path.removeprefix(f"/{host}")
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.raw_headers]
        entry = self.ledger.open(host, request.method, path, request.query_string, headers)
        sender = Sender(request, entry, self.ledger, self.world.now(), self._released)
        contract = self._contracts.get(host)
        if contract is None:
            entry.verdict = "unknown-path"
            return await sender.send(Reply(404, b'{"detail":"no such host"}'), Emission())
        try:
            raw = await request.read()
        except (asyncio.CancelledError, ConnectionError):
            self.ledger.close(entry, client_gone=True)
            raise
        call = Call(
            world=self.world,
            entry=entry,
            host=host,
            method=request.method,
            path=path,
            query=request.query,
            headers=request.headers,
            body=raw,
            replace=lambda call, rule: faults.replacement(
                call, rule, lambda *words: contract.error(call, *words)
            ),
        )
        reply = self._reply(contract, call)
        entry.message = entry.message or _excerpt(reply)
        emission = faults.emission(
            call.rule,
            reply,
            self.world.clock(),
            lambda *words: contract.error(call, *words),
        )
        return await sender.send(reply, emission)

    def _reply(self, contract: Contract, call: Call) -> Reply:
        entry: Entry = call.entry
        try:
            call.body = decoded(call.body, call.header("content-encoding"))
        except UnsupportedEncoding as unknown:
            entry.verdict = "refused"
            return contract.error(call, 415, f"Unsupported content encoding: {unknown}")
        except ValueError as bad:
            entry.verdict = "refused"
            return contract.error(call, 400, str(bad))
        self.ledger.note_body(entry, call.body)
        try:
            reply = contract.handle(call)
        except Replaced as replaced:
            return replaced.reply
        except Refused as refused:
            entry.verdict = entry.verdict or "refused"
            return refused.reply
        except (
            ValueError,
            RecursionError,
        ) as bad:  # a directive nobody understands, a body too deep
            entry.verdict = "refused"
            return contract.error(call, 400, str(bad))
        except Exception as mistake:  # noqa: BLE001 - the test that sees it shall not hang
            _LOG.exception("the simulator failed")
            entry.verdict, entry.message = "simulator-error", repr(mistake)
            return contract.error(call, 500, f"The simulator failed: {mistake!r}")
        entry.verdict = entry.verdict or "answered"
        return reply


def _excerpt(reply: Reply) -> str:
    """The beginning of a refusal, for whoever reads the ledger."""
    return reply.body[:300].decode("utf-8", "replace") if reply.status >= 400 else ""
