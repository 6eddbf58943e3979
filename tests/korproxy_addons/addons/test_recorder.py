import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from mitmproxy import http
from pydantic import SecretStr

from korproxy_addons.addons import recorder as recorder_module
from korproxy_addons.addons.recorder import Recorder
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.background import Background
from korproxy_addons.io.recording_state import RecordingState, RecordingSwitch
from korproxy_addons.io.recordings import Recordings
from korproxy_addons.io.workspace import NOBODY, Caller, Workspace
from korproxy_addons.providers.base import Operation
from korproxy_addons.recording.record import Recording
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.routing.paths import Wanted
from support.clock import FakeClock
from support.flows import client_flow, config_with, exchange_of

NOW = 1_800_000_000.0
OWN = "canary-account-secret-81a1"
GENERATE = Wanted("openai-chat", Operation.GENERATE)


class House:
    """A recorder, its switch and what it has written."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self.clock = FakeClock(NOW)
        redactor = Redactor()
        redactor.learn([SecretStr(OWN)])
        self.config = config_with(recording=settings) if settings else config_with()
        self.switch = RecordingSwitch(home)
        self.recordings = Recordings(home)
        self.recorder = Recorder(home, redactor, lambda: self.config, self.clock)
        self.recorder.load(None)
        self._number = 0

    def turn_on(self, **words: Any) -> None:
        self.switch.turn_on(RecordingState(since=NOW, until_at=NOW + 60, **words))
        self.recorder.look()

    def begun(self, body: bytes = b'{"a": 1}', agent: str = "", **fields: Any) -> http.HTTPFlow:
        """A request that is known as far as its head."""
        self._number += 1
        flow = client_flow(headers={"host": "h", "user-agent": agent}, body=body)
        fields = {"wanted": GENERATE, "received_at": NOW, **fields}
        own = exchange_of(flow, self.config, **fields)
        own.seed, own.id = f"kp{self._number:028x}", f"request-{self._number}"
        self.recorder.requestheaders(flow)
        return flow

    def answered(self, flow: http.HTTPFlow, body: bytes = b"ok") -> Exchange:
        flow.response = http.Response.make(200, body, {"content-type": "text/plain"})
        self.recorder.responseheaders(flow)
        self.recorder.response(flow)
        return exchange(flow)

    def written(self) -> list[Recording]:
        """Everything, oldest first, once the thread is through with it."""
        self.recorder.done()
        return [self.recordings.load(it) for it in reversed(self.recordings.ids())]


def exchange(flow: http.HTTPFlow) -> Exchange:
    found = Exchange.of(flow)
    assert found is not None
    return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.recorder.done()


def test_nothing_is_recorded_by_default(house: House) -> None:
    flow = house.begun()
    assert exchange(flow).tape is None
    house.answered(flow)
    assert house.written() == []
    assert list(house.home.iterdir()) == []


def test_while_it_is_on_everything_is_recorded(house: House) -> None:
    house.turn_on()
    state = house.recorder.state()
    assert state is not None
    assert state.until_at == NOW + 60
    own = house.answered(house.begun(f'{{"a": "{OWN}"}}'.encode()), f"so {OWN}".encode())
    assert own.tape is None
    (found,) = house.written()
    assert found.request.body == '{"a": "[redacted]"}'
    assert found.reply is not None
    assert (found.reply.status, found.reply.body, found.outcome) == (200, "so [redacted]", "ok")
    assert OWN.encode() not in house.recordings.flow(found.id)
    assert house.recordings.flow(found.id) != b""


def test_bytes_that_are_no_utf_8_cost_no_recording(house: House) -> None:
    house.turn_on()
    flow = house.begun()
    own = exchange(flow)
    own.client.headers["user-agent"] = "tool/\udcff"
    own.profile = "p\udcff"
    house.answered(flow)
    (found,) = house.written()
    assert found.profile == "p?"
    assert dict(found.request.headers)["user-agent"] == "tool/?"
    assert house.recordings.flow(found.id) != b""


def test_it_is_on_from_the_first_request_where_it_was_before(tmp_path: Path) -> None:
    RecordingSwitch(tmp_path).turn_on(RecordingState(since=NOW, until_at=NOW + 60, shapes=True))
    house = House(tmp_path)
    house.answered(house.begun())
    assert [it.mode for it in house.written()] == ["shapes"]


def test_it_ends_by_itself_and_what_began_before_is_kept(house: House) -> None:
    house.turn_on()
    flow = house.begun()
    house.clock.advance(61)
    assert house.recorder.state() is None
    assert exchange(house.begun()).tape is None
    house.answered(flow)
    assert [it.request_id for it in house.written()] == ["request-1"]


def test_it_is_turned_off(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house.turn_on()
    house.recorder.look()  # nothing new
    house.switch.turn_off()
    house.recorder.look()
    assert house.recorder.state() is None
    assert exchange(house.begun()).tape is None
    assert [it.message for it in caplog.records] == ["recording on", "recording off"]


def test_one_tool_may_be_asked_for(house: House) -> None:
    """Known by its headers at once; by other means, such as its process, at the end."""
    house.turn_on(tool="codex")
    assert exchange(house.begun(agent="claude-cli/2.0")).tape is None
    by_header = house.begun(agent="codex_cli_rs/0.50")
    exchange(by_header).tool = "codex-cli"
    at_the_end = house.begun()
    exchange(at_the_end).tool = "codex-cli"
    another = house.begun()
    exchange(another).tool = "aider"
    for flow in (by_header, at_the_end, another, house.begun()):
        house.answered(flow)
    assert [it.tool for it in house.written()] == ["codex-cli", "codex-cli"]


class Town:
    """Knows who calls, once `found` is set."""

    def __init__(self, tool: str) -> None:
        self.found = asyncio.Event()
        self.caller = replace(NOBODY, tool=tool)
        self.tasks: dict[str, asyncio.Task[Caller]] = {}

    def look(self, connection: str, _client: object, _own: object) -> asyncio.Task[Caller]:
        if connection not in self.tasks:
            self.tasks[connection] = asyncio.get_running_loop().create_task(self._find())
        return self.tasks[connection]

    async def _find(self) -> Caller:
        await self.found.wait()
        return self.caller


@pytest.mark.parametrize(("tool", "kept"), [("codex-cli", ["codex-cli"]), ("aider", [])])
@pytest.mark.parametrize("early", [True, False])
def test_a_tool_is_known_by_its_process(
    tmp_path: Path, tool: str, kept: list[str], early: bool
) -> None:
    """Found while the exchange goes on, or a moment later: the recording waits for that, the client does not."""

    async def run() -> House:
        town = Town(tool)
        house = House(tmp_path)
        house.recorder = Recorder(
            tmp_path,
            Redactor(),
            lambda: house.config,
            house.clock,
            workspace=cast("Workspace", town),
        )
        house.turn_on(tool="codex")
        flow = house.begun()
        own = exchange(flow)
        own.client.own = ("127.0.0.1", 1337)
        house.recorder._callers.look(own)
        if early:
            town.found.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        house.answered(flow)
        assert (own.tape is None) is early
        town.found.set()
        await own_task(town)
        return house

    assert [it.tool for it in asyncio.run(run()).written()] == kept


async def own_task(town: Town) -> None:
    """Let what waits for the look go on."""
    await asyncio.gather(*town.tasks.values())
    await asyncio.sleep(0)


def test_an_end_does_not_wait_for_who_called(tmp_path: Path) -> None:
    """It is written as it ended, without the name."""

    async def run() -> House:
        town = Town("codex-cli")
        house = House(tmp_path)
        house.recorder = Recorder(
            tmp_path,
            Redactor(),
            lambda: house.config,
            house.clock,
            workspace=cast("Workspace", town),
        )
        house.turn_on()
        flow = house.begun()
        exchange(flow).client.own = ("127.0.0.1", 1337)
        house.answered(flow)
        house.recorder.done()
        town.found.set()
        await own_task(town)
        return house

    assert [(it.outcome, it.tool) for it in asyncio.run(run()).written()] == [("ok", "")]


def test_own_pages_are_not_recorded_and_refusals_are(house: House) -> None:
    house.turn_on()
    house.answered(house.begun(wanted=None))
    refused = house.begun(wanted=None, error=KorProxyError(catalogue.LOCAL_KEY_REFUSED))
    house.answered(refused)
    assert [it.code for it in house.written()] == [catalogue.LOCAL_KEY_REFUSED.code]


def test_what_is_answered_already_is_nobody_s(house: House) -> None:
    """A stranger whom the entrance refused, such as a web page."""
    house.turn_on()
    flow = client_flow()
    exchange_of(flow)
    flow.response = http.Response.make(421)
    house.recorder.requestheaders(flow)
    assert exchange(flow).tape is None


def test_a_client_that_left_is_recorded_when_its_leg_has_ended(house: House) -> None:
    house.turn_on()
    flow = house.begun()
    own = exchange(flow)
    own.leg_running = True
    house.recorder.error(flow)
    assert own.tape is not None
    own.leg_ended()
    (found,) = house.written()
    assert (found.outcome, found.reply) == ("client_gone", None)


def test_what_the_end_of_the_process_ends_is_recorded(house: House) -> None:
    house.turn_on()
    flow = house.begun()
    assert [it.outcome for it in house.written()] == ["client_gone"]
    assert exchange(flow).tape is None


def test_without_memory_a_recording_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Background, "put", lambda *_: False)
    house = House(tmp_path)
    house.turn_on()
    own = exchange(house.begun())
    tape = own.tape
    assert tape is not None
    monkeypatch.setattr(tape, "erase", lambda: erased.append(True))
    erased: list[bool] = []
    house.recorder._over(own, "ok")
    assert erased == [True]
    assert [it.message for it in caplog.records] == ["recording left out"]
    assert house.written() == []


def test_what_is_not_written_in_time_at_the_end_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Background, "close", lambda *_: False)
    house.recorder.done()
    assert [it.message for it in caplog.records] == ["recordings left out at the end"]
    monkeypatch.undo()


def test_a_disk_that_is_full_costs_the_recording_alone(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recordings, "save", full)
    house.turn_on()
    house.answered(house.begun())
    assert house.written() == []
    (record,) = (it for it in caplog.records if it.levelno >= logging.WARNING)
    assert record.message == "recording not written"
    assert record.__dict__["fields"] == {
        "request_id": "request-1",
        "reason": "No space left on device",
    }


def test_what_is_kept_is_bounded_by_the_settings(tmp_path: Path) -> None:
    house = House(tmp_path, max_exchanges=2, body_megabytes=1)
    house.turn_on()
    for _ in range(3):
        house.answered(house.begun(), b"x" * (1024 * 1024 + 5))
    found = house.written()
    assert [it.request_id for it in found] == ["request-2", "request-3"]
    assert found[0].reply is not None
    assert found[0].reply.cut_bytes == 5


def test_the_switch_is_watched(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails is no reason to look no more."""
    monkeypatch.setattr(recorder_module, "LOOK_EVERY_S", 0.001)
    looks: list[int] = []
    seen = asyncio.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) == 1:
            raise OSError
        seen.set()

    monkeypatch.setattr(house.recorder, "look", look)

    async def run() -> None:
        house.recorder.running()
        async with asyncio.timeout(20):
            await seen.wait()
        house.recorder.done()

    asyncio.run(run())
    assert len(looks) >= 2
