"""
The control API under `/_sim/`, for tests that run in another process. Loopback only, as the whole simulator.

    GET  /_sim/health                     {"ready": true}
    GET  /_sim/urls                       list of {provider, access, host, base, token, quota, dialect, secret, …}
    POST /_sim/script                     {"fault": NAME, …words…} or a list of such; see `faults`
    POST /_sim/scenario                   {"name": NAME} → what to send and what will happen
    GET  /_sim/scenarios                  all names with their explanations
    GET  /_sim/ledger?since=N&body=1      {"entries": […]}; entries after number N, with the bodies if asked
    POST /_sim/release                    lets go what a `held` fault holds
    POST /_sim/reset
"""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from launcher.simulator import scenarios

if TYPE_CHECKING:
    from launcher.simulator.server import Simulator


class Control:
    """The handlers."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator

    def add_to(self, app: web.Application) -> None:
        """Register all control routes; they must come before the providers' own."""
        app.router.add_get("/_sim/health", self._health)
        app.router.add_get("/_sim/urls", self._urls)
        app.router.add_post("/_sim/script", self._script)
        app.router.add_post("/_sim/scenario", self._scenario)
        app.router.add_get("/_sim/scenarios", self._scenarios)
        app.router.add_get("/_sim/ledger", self._ledger)
        app.router.add_post("/_sim/release", self._release)
        app.router.add_post("/_sim/reset", self._reset)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    async def _urls(self, _: web.Request) -> web.Response:
        return web.json_response(urls_as_json(self._simulator))

    async def _script(self, request: web.Request) -> web.Response:
        body = await request.json()
        rules = body if isinstance(body, list) else [body]
        try:
            for words in rules:
                rest = dict(words)
                self._simulator.script(str(rest.pop("fault", "")), **rest)
        except (ValueError, TypeError) as bad:
            return web.json_response({"error": str(bad)}, status=400)
        return web.json_response({"pending": self._simulator.world.script.pending()})

    async def _scenario(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            scenario = self._simulator.scenario(str(body.get("name")))
        except ValueError as bad:
            return web.json_response({"error": str(bad)}, status=400)
        return web.json_response(scenario.as_json())

    async def _scenarios(self, _: web.Request) -> web.Response:
        return web.json_response([each.as_json() for each in scenarios.SCENARIOS.values()])

    async def _ledger(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        with_body = request.query.get("body") == "1"
        entries = [e for e in self._simulator.ledger.entries if e.number > since]
        return web.json_response({"entries": [e.as_json(with_body=with_body) for e in entries]})

    async def _release(self, _: web.Request) -> web.Response:
        self._simulator.release()
        return web.json_response({})

    async def _reset(self, _: web.Request) -> web.Response:
        self._simulator.reset()
        return web.json_response({})


def urls_as_json(simulator: "Simulator") -> list[dict[str, Any]]:
    """`Simulator.urls` as a list, for JSON."""
    return [
        {"provider": provider, "access": access, **values}
        for (provider, access), values in simulator.urls().items()
    ]
