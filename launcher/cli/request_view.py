"""One request in full, as text: what was asked, where it went and why, each attempt, times, tokens, and its error."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from korproxy_addons.errors.catalogue import CATALOGUE
from launcher.cli.numbers import NOTHING, span, usd, whole
from launcher.cli.reasons import meaning

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord
    from launcher.actions.exchanges import Told

_LABEL_CELLS = 10


def print_one(console: "Console", told: "Told") -> None:
    """Print it."""
    from rich.table import Table

    record = told.record
    console.print(_heading(record), soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=_LABEL_CELLS, style="dim")
    table.add_column(overflow="fold")
    for name, value in _rows(told):
        table.add_row(f"  {name}", value)
    console.print(table)
    if record.attempts:
        console.print(Text("  attempts", "dim"))
        console.print(_attempts(told))
    _print_error(console, told)
    if told.others:
        ids = ", ".join(told.others)
        console.print(
            Text(f"  also {ids}: its client used this id more than once", "dim"), soft_wrap=True
        )


def _heading(record: "ExchangeRecord") -> Text:
    from launcher.cli.requests import moment, result

    word, colour = result(record)
    status = f", HTTP {record.status}" if record.status is not None else ""
    at = moment(record.started_at)[:19].replace("T", " ")
    return Text.assemble((record.request_id, "bold"), f"  {at}  ", (word, colour), status)


def _rows(told: "Told") -> "Iterator[tuple[str, RenderableType]]":
    record = told.record
    asked = f"{record.requested_model or NOTHING}, {record.operation}"
    asked += ", streamed" if record.streamed else ""
    yield "asked", f"{asked} ({record.client_dialect}; {record.kind or 'kind not known'})"
    yield "by", record.tool or "a tool that is not known"
    if record.project:
        yield "project", record.project
    yield "profile", _profile(record)
    yield "went to", _way(told)
    for number, word in enumerate(it for it in record.why.split(", ") if it):
        sentence = meaning(word)
        yield "" if number else "why", Text.assemble(word, (f"  {sentence}", "dim"))
    if record.moved:
        yield "lost", f"{whole(record.cache_lost_tokens)} tokens of a prompt cache, as it moved"
    yield "time", _time(record)
    # Of a reply that was made here, or not read to its end, the length is not counted.
    out = f", {whole(record.bytes_out)} bytes out" if record.bytes_out else ""
    yield "sent", f"{whole(record.bytes_in)} bytes in{out}"
    yield "tokens", _tokens(record)
    yield "cost", _cost(record)
    if record.stop_reason:
        yield "ended", record.stop_reason


def _profile(record: "ExchangeRecord") -> str:
    parts = [record.profile or NOTHING]
    if record.rule:
        parts.append(f"rule {record.rule}")
    if record.local_key:
        parts.append(f"local key {record.local_key}")
    return ", ".join(parts)


def _way(told: "Told") -> str:
    record = told.record
    if not record.account:
        return "nobody"
    label = told.labels.get(record.account, record.account)
    group = f" of the group {record.route_group}" if record.route_group else ""
    crossed = record.upstream_dialect not in ("", record.client_dialect)
    dialect = f", translated to {record.upstream_dialect}" if crossed else ""
    return f"{label} ({record.provider}, {record.access}){group}: {record.model}{dialect}"


def _time(record: "ExchangeRecord") -> str:
    parts = [f"{span(record.total_ms)} in all"]
    if record.first_byte_ms is not None:
        parts.append(f"first byte after {span(record.first_byte_ms)}")
    if record.overhead_ms is not None:
        parts.append(f"{span(record.overhead_ms)} of it not the provider's")
    streaming_ms = record.total_ms - (record.first_byte_ms or record.total_ms)
    told = record.outcome == "ok" and record.output_tokens and not record.usage_incomplete
    if record.streamed and told and streaming_ms >= 20:
        parts.append(f"{record.output_tokens * 1000 / streaming_ms:.0f} tokens a second")
    return "; ".join(parts)


def _tokens(record: "ExchangeRecord") -> str:
    if not record.total_tokens:
        return "none told" + (", some may have been used" if record.usage_incomplete else "")
    cached = f"{whole(record.cached_tokens)} read from a cache" if record.cached_tokens else ""
    written = f"{whole(record.cache_write_tokens)} written" if record.cache_write_tokens else ""
    of_input = ", ".join(it for it in (cached, written) if it)
    thought = (
        f" ({whole(record.reasoning_tokens)} of them thinking)" if record.reasoning_tokens else ""
    )
    incomplete = "; the provider may have used more" if record.usage_incomplete else ""
    return (
        f"{whole(record.input_tokens)} in{f' ({of_input})' if of_input else ''},"
        f" {whole(record.output_tokens)} out{thought}{incomplete}"
    )


def _cost(record: "ExchangeRecord") -> str:
    if record.cost_usd is None:
        return "not known: this model has no price" if record.total_tokens else NOTHING
    return f"{usd(record.cost_usd)} USD by the price list"


def _attempts(told: "Told") -> "RenderableType":
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for number, it in enumerate(told.record.attempts, 1):
        label = told.labels.get(it.account, it.account)
        table.add_row(f"    {number}", Text.assemble((label, "bold"), "  ", _ended(it)))
        table.add_row("", Text(_course(it), "dim"))
    return table


def _ended(attempt: "AttemptRecord") -> Text:
    status = "no reply" if attempt.status is None else f"HTTP {attempt.status}"
    if not attempt.code:
        fine = attempt.status is not None and attempt.status < 400
        return Text(status, "green" if fine else "yellow")
    spec = CATALOGUE.get(attempt.code)
    title = f": {spec.title}" if spec is not None else ""
    return Text(f"{status}, {attempt.code}{title}", "red")


def _course(attempt: "AttemptRecord") -> str:
    if attempt.sent_ms is None:
        return f"{attempt.model}; never sent"
    parts = [f"sent at {span(attempt.sent_ms)}"]
    if attempt.first_byte_ms is not None:
        parts.append(f"first byte at {span(attempt.first_byte_ms)}")
    if attempt.ended_ms is not None:
        parts.append(f"over at {span(attempt.ended_ms)}")
    if attempt.reused is False:
        parts.append("new connection")
    return f"{attempt.model}; {', '.join(parts)}"


def _print_error(console: "Console", told: "Told") -> None:
    record, spec = told.record, told.error
    if spec is not None:
        console.print(Text(f"  {spec.code} {spec.title}", "red"), soft_wrap=True)
        console.print(Text(f"  {spec.cause}", "dim"), soft_wrap=True)
        for step in spec.remedy:
            console.print(f"  > {step}", soft_wrap=True)
    elif record.code:
        text = f"  {record.code}: the provider's own word for it, passed on as it came"
        console.print(Text(text, "red"), soft_wrap=True)
