"""A recorded request, sent once more through the gateway; and how the answer compares with the one it had."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording.answer import Answer, Call, answer_in
from korproxy_addons.recording.changes import Change
from korproxy_addons.recording.differences import answer_of, answers_differ, usage_of
from korproxy_addons.recording.record import Recording
from korproxy_addons.recording.replay import Replay, replay_of
from korproxy_addons.usage.prices import PriceTable, Rates
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions import exchanges
from launcher.actions.diff import recorded
from launcher.borrowed_gateway import borrowed_gateway
from launcher.gateway_request import LIMIT_S, GatewayReply, send

# The gateway writes its ledger in batches.
LEDGER_S = 3.0
_LOOK_AGAIN_S = 0.05
# What a prompt's JSON has for each token, where nothing better is known.
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """
    What would be sent.

    Attributes:
        recording: Of the exchange.
        replay: The request.
        input_tokens: Of the prompt, as its first sending had it, else by its length.
        cost_usd: What the same answer would cost by the price list; None where no price is known.
    """

    recording: Recording
    replay: Replay
    input_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """
    One of the two answers.

    Attributes:
        request_id: Correlation id.
        status: What the client was given; None if nothing came.
        code: KorProxy's error code; "" if all went well.
        error: What went wrong, in words; "" if nothing did.
        provider, model, account: Who answered, as far as is known.
        text, calls, finish: What was said.
        input_tokens, output_tokens: None where nobody said.
        cost_usd: By the price list; None where no price is known.
        first_byte_ms, total_ms: As the client saw it.
    """

    request_id: str
    status: int | None
    code: str
    error: str
    provider: str
    model: str
    account: str
    text: str
    calls: tuple[Call, ...]
    finish: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    first_byte_ms: float | None
    total_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """
    How it went.

    Attributes:
        id: Of the recording.
        notes: What of the request was not as it had been.
        before: The recorded answer.
        after: The new one.
        compared: Both answers' content is there; False: the recorded one's was not kept.
        differences: Of the two answers, by path.
        by_running_gateway: The gateway that runs was asked; False: one started for the occasion.
    """

    id: str
    notes: tuple[str, ...]
    before: Side
    after: Side
    compared: bool
    differences: tuple[Change, ...]
    by_running_gateway: bool

    @property
    def ok(self) -> bool:
        """Whether the request was answered this time."""
        return (
            self.after.status is not None and 200 <= self.after.status < 300 and not self.after.code
        )


def plan_replay(
    home: Path,
    name: str | None = None,
    against: str | None = None,
    clock: Callable[[], float] = time.time,
) -> ReplayPlan:
    """
    What a replay would send, and about what it would cost. Nothing is sent.

    Args:
        home: The KorProxy folder.
        name: Of the recording, as for `diff`.
        against: `provider/model` to ask instead; None: as the client asked.
        clock: Unix seconds.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: RECORDING_UNKNOWN, RECORDING_WITHOUT_CONTENT, CANNOT_REPLAY.
    """
    recording = recorded(home, name)
    replay = replay_of(recording, against)
    usage = usage_of(recording)
    model = _upstream_model(recording, against)
    return ReplayPlan(
        recording=recording,
        replay=replay,
        input_tokens=usage.input_tokens if usage else len(replay.body) // _BYTES_PER_TOKEN,
        cost_usd=_prices(home).cost_usd(model, usage, clock()) if usage else None,
    )


def send_replay(
    home: Path, plan: ReplayPlan, *, local_key: str | None = None, limit_s: float = LIMIT_S
) -> ReplayResult:
    """
    Send what was planned, and compare. This may cost money.

    Args:
        home: The KorProxy folder.
        plan: Of `plan_replay`.
        local_key: A key of the gateway's own, where it wants one.
        limit_s: For the whole answer.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: GATEWAY_NOT_READY.
    """
    recording = plan.recording
    with borrowed_gateway(home, ConfigStore(home).load()) as gateway:
        reply = send(gateway, plan.replay, local_key, limit_s)
        started = gateway.started
    after = answer_in(recording.client_dialect, reply.status or 0, reply.content_type, reply.body)
    before = (
        None if recording.reply is None else answer_of(recording.reply, recording.client_dialect)
    )
    return ReplayResult(
        id=recording.id,
        notes=plan.replay.notes,
        before=_recorded_side(recording, before or Answer(), _row(home, recording.id)),
        after=_new_side(reply, after, _row(home, reply.request_id, LEDGER_S)),
        compared=before is not None,
        differences=() if before is None else answers_differ(before, after),
        by_running_gateway=not started,
    )


def _upstream_model(recording: Recording, against: str | None) -> str:
    if against is not None:
        return against.partition("/")[2]
    return recording.attempts[-1].model if recording.attempts else recording.requested_model


def _prices(home: Path) -> PriceTable:
    own = ConfigStore(home).load().usage.prices
    return PriceTable(own={name: Rates(**price.model_dump()) for name, price in own.items()})


def _recorded_side(recording: Recording, answer: Answer, row: ExchangeRecord | None) -> Side:
    last = recording.attempts[-1] if recording.attempts else None
    usage = usage_of(recording)
    return Side(
        request_id=recording.request_id,
        status=None if recording.reply is None else recording.reply.status,
        code=recording.code,
        error=answer.error,
        provider=last.provider if last else "",
        model=last.model if last else "",
        account=last.label if last else "",
        text=answer.text,
        calls=answer.calls,
        finish=answer.finish,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cost_usd=None if row is None else row.cost_usd,
        first_byte_ms=recording.first_byte_ms,
        total_ms=recording.total_ms,
    )


def _new_side(reply: GatewayReply, answer: Answer, row: ExchangeRecord | None) -> Side:
    usage = answer.usage
    told = row if row is not None and row.total_tokens else usage
    return Side(
        request_id=reply.request_id,
        status=reply.status,
        code=reply.code,
        error=reply.broken or answer.error,
        provider="" if row is None else row.provider,
        model=answer.model if row is None else row.model,
        account=reply.account,
        text=answer.text,
        calls=answer.calls,
        finish=answer.finish,
        input_tokens=None if told is None else told.input_tokens,
        output_tokens=None if told is None else told.output_tokens,
        cost_usd=None if row is None else row.cost_usd,
        first_byte_ms=reply.first_byte_ms,
        total_ms=reply.total_ms,
    )


def _row(home: Path, word: str, wait_s: float = 0.0) -> ExchangeRecord | None:
    """What the ledger has of an exchange, once it is there; None if it is not."""
    until = time.monotonic() + wait_s
    while word:
        with contextlib.suppress(KorProxyError):
            return exchanges.one(home, word).record
        if time.monotonic() >= until:
            break
        time.sleep(_LOOK_AGAIN_S)
    return None
