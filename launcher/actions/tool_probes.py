"""A tool's needs, tried through the running gateway: first what costs nothing, then small requests, then, if wanted, a long one."""

from collections.abc import Iterable
from dataclasses import replace

from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.presets.base import Need
from launcher.actions.tool_asking import (
    LONG_LIMIT_S,
    Asking,
    Heard,
    count_request,
    list_request,
    long_request,
    pinned,
    refused_path,
    tool_request,
)
from launcher.actions.tool_needs import Keeping, Verdict, own_api, verdict
from launcher.actions.tool_replies import END_MARKS, error_in, has_envelope, read_stream
from launcher.actions.tool_route import ToolRoute

LONG_TOKENS = 210_000
"""More than an ordinary window of 200 000 takes."""

_ORDER: tuple[Keeping, ...] = ("lost", "degraded", "kept")


def not_to_be_asked(route: ToolRoute) -> str:
    """Why nothing may be sent for this route by anybody but the tool; "" if it may."""
    way, name = route.way, route.preset.name
    if way is None:
        return "nobody serves it"
    if way.access.own_login:
        return f"the account is {name}'s own login, which KorProxy does not hold; start {name}: that is the test"
    if way.access.only_for_tool:
        return f"the account's terms allow {name} only, and KorProxy does not pretend to be it; start {name}: that is the test"
    return ""


def small_plan(route: ToolRoute) -> tuple[str, ...]:
    """What `small` will send, for people."""
    assert route.way is not None
    sends = [
        f"a streamed request with one tool (about 150 tokens, at most a short answer) to {pinned(route)}"
    ]
    if Need.COUNT_TOKENS in route.preset.needs:
        sends.append("a question for a count of tokens")
    if Need.BETAS in route.preset.needs:
        sends.append("a request of 20 tokens with the tool's beta headers")
    return tuple(sends)


def free(route: ToolRoute, asking: Asking) -> tuple[Verdict, ...]:
    """What the gateway answers by itself."""
    found = []
    for need, probe in _FREE.items():
        if need in route.preset.needs:
            found.append(replace(probe(route, asking), by="probed"))
    return tuple(found)


def small(route: ToolRoute, asking: Asking) -> tuple[Verdict, ...]:
    """What a provider must answer: one small request each."""
    found = [*_stream_and_tools(route, asking)]
    if Need.COUNT_TOKENS in route.preset.needs:
        found += _counts(route, asking)
    if Need.BETAS in route.preset.needs and route.native:
        found.append(_betas(route, asking))
    return tuple(replace(it, by="probed") for it in found)


def long(route: ToolRoute, asking: Asking, tokens: int = LONG_TOKENS) -> Verdict:
    """One prompt that is longer than an ordinary window."""
    path, body = long_request(route, tokens)
    heard = asking.ask("POST", path, body, limit_s=LONG_LIMIT_S)
    read = read_stream(route.preset.dialect, heard.body)
    if heard.status == 200 and read.ended and not read.error:
        size = f"A prompt of about {tokens} tokens was answered."
        return verdict(route, Need.LONG_CONTEXT, "kept", size, by="probed")
    return verdict(
        route, Need.LONG_CONTEXT, "lost", f"A prompt of about {tokens} tokens was refused: {_why(heard, read.error)}.",
        "Choose a model that reads more, or have long prompts go to one: a rule with min_input_tokens.",
        by="probed",
    )  # fmt: skip


def together(declared: Iterable[Verdict], probed: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """
    One verdict for each need: what was tried confirms what is declared, or is worse; it never makes it better.

    A long prompt that was answered does: nobody had declared that it would be.
    """
    tried = {it.need: it for it in probed}
    found = []
    for known in declared:
        new = tried.get(known.need)
        if new is None:
            found.append(known)
        elif known.need is Need.LONG_CONTEXT or _ORDER.index(new.keeping) <= _ORDER.index(
            known.keeping
        ):
            found.append(new)
        else:
            found.append(replace(known, by="probed"))
    return tuple(found)


def from_the_past(route: ToolRoute) -> tuple[Verdict, ...]:
    """What the tool's own requests of the last week show, where nobody else may send any."""
    streams = route.seen.streamed
    if not streams or Need.STREAMING not in route.preset.needs:
        return ()
    said = f"{streams} stream{'' if streams == 1 else 's'} of its own came to the end in the last 7 days."
    return (verdict(route, Need.STREAMING, "kept", said, by="seen"),)


# --- free


def _model_list(route: ToolRoute, asking: Asking) -> Verdict:
    path, headers = list_request(route)
    heard = asking.ask("GET", path, headers=headers)
    if heard.status != 200:
        return verdict(
            route, Need.MODEL_LIST, "lost", f"The list of models: {_why(heard)}.", *_steps(heard)
        )
    entries = (
        heard.json.get("data") or heard.json.get("models") if isinstance(heard.json, dict) else None
    )
    names = {
        str(it.get("id") or it.get("slug") or it.get("name", "")).removeprefix("models/")
        for it in entries or ()
        if isinstance(it, dict)
    }
    if not names:
        return verdict(
            route,
            Need.MODEL_LIST,
            "lost",
            "The list of models is empty.",
            "Connect an account: korproxy account add",
        )
    if route.upstream_model in names or route.model in names:
        return verdict(
            route, Need.MODEL_LIST, "kept", f"{len(names)} models, {route.model} among them."
        )
    return verdict(
        route,
        Need.MODEL_LIST,
        "kept",
        f"{len(names)} models; {route.model} is served, but not listed.",
    )


def _errors(route: ToolRoute, asking: Asking) -> Verdict:
    heard = asking.ask("GET", refused_path(route))
    if has_envelope(route.preset.dialect, heard.json) and heard.code:
        whose = "The provider's own pass word for word; KorProxy's" if route.native else "They"
        return verdict(
            route,
            Need.ERRORS,
            "kept",
            f"{whose} come in the envelope that {route.preset.name} reads.",
        )
    return verdict(
        route, Need.ERRORS, "lost", f"An error came in no form that {route.preset.name} reads ({_why(heard)}).",
        "Is something between the tool and KorProxy? Ask it directly.",
    )  # fmt: skip


def _websocket(route: ToolRoute, asking: Asking) -> Verdict:
    status = asking.upgrade("/v1/responses")
    if status == 101:
        return verdict(route, Need.WEBSOCKET, "kept", "The handshake was accepted (101).")
    if status == 426:
        return verdict(
            route, Need.WEBSOCKET, "kept", "Refused with 426, after which it posts at once."
        )
    return verdict(
        route, Need.WEBSOCKET, "lost", f"The handshake was answered with {status or 'nothing'}: Codex fails, or loses time.",
        "Is something between the tool and KorProxy? It must pass upgrades, or answer 426.",
    )  # fmt: skip


def _side_paths(route: ToolRoute, asking: Asking) -> Verdict:
    heard = asking.ask("HEAD", "/api/hello")
    if heard.status in (200, 404):
        return verdict(
            route, Need.SIDE_PATHS, "kept", f"/api/hello is answered at once ({heard.status})."
        )
    return verdict(
        route, Need.SIDE_PATHS, "degraded", f"/api/hello: {_why(heard)}.", *_steps(heard)
    )


_FREE = {
    Need.MODEL_LIST: _model_list,
    Need.ERRORS: _errors,
    Need.WEBSOCKET: _websocket,
    Need.SIDE_PATHS: _side_paths,
}


# --- small


def _stream_and_tools(route: ToolRoute, asking: Asking) -> tuple[Verdict, ...]:
    path, body = tool_request(route)
    heard = asking.ask(
        "POST", path, body, route.preset.sample.headers if route.preset.sample else None
    )
    read = read_stream(route.preset.dialect, heard.body)
    kind = heard.headers.get("content-type", "").partition(";")[0]
    if heard.status != 200 or read.error:
        why = _why(heard, read.error)
        return (
            verdict(
                route, Need.STREAMING, "lost", f"A small request failed: {why}.", *_steps(heard)
            ),
        )
    if kind != "text/event-stream" or not read.ended:
        what = (
            f"it came as {kind or 'nothing'}"
            if kind != "text/event-stream"
            else "its last event is missing"
        )
        return (
            verdict(
                route, Need.STREAMING, "lost", f"The stream is not whole: {what}.",
                "Is something between the tool and KorProxy? Ask it directly.",
            ),
        )  # fmt: skip
    end = END_MARKS[route.preset.dialect]
    stream = verdict(
        route, Need.STREAMING, "kept",
        f"{read.events} event{'' if read.events == 1 else 's'}, the first after {heard.first_byte_ms:.0f} ms, the last is {end}.",
    )  # fmt: skip
    if Need.TOOLS not in route.preset.needs:
        return (stream,)
    if not read.called:
        return (stream,)  # a model may choose to answer in words: what is declared stands
    if read.arguments is None:
        return (
            stream,
            verdict(
                route, Need.TOOLS, "lost", "The model called the tool with arguments that are no JSON.",
                "Try another model.",
            ),
        )  # fmt: skip
    return (
        stream,
        verdict(route, Need.TOOLS, "kept", "The model called a tool, and its arguments are whole."),
    )


def _counts(route: ToolRoute, asking: Asking) -> tuple[Verdict, ...]:
    asked = count_request(route)
    if asked is None:
        return ()
    heard = asking.ask("POST", asked[0], asked[1])
    count = (
        heard.json.get("input_tokens") or heard.json.get("totalTokens")
        if isinstance(heard.json, dict)
        else None
    )
    if heard.status != 200 or not count:
        return (
            verdict(
                route,
                Need.COUNT_TOKENS,
                "degraded",
                f"A count failed: {_why(heard)}.",
                *_steps(heard),
            ),
        )
    if "x-korproxy-estimate" in heard.headers:
        return (
            verdict(
                route,
                Need.COUNT_TOKENS,
                "degraded",
                f"{count} tokens, which is KorProxy's estimate.",
                own_api(route),
            ),
        )
    return (verdict(route, Need.COUNT_TOKENS, "kept", f"{count} tokens, as the provider counts."),)


def _betas(route: ToolRoute, asking: Asking) -> Verdict:
    assert route.preset.sample is not None
    path, body = tool_request(route)
    plain = {
        "model": body["model"],
        "messages": [{"role": "user", "content": "Say OK."}],
        "max_tokens": 16,
    }
    heard = asking.ask("POST", f"{path}?beta=true", plain, route.preset.sample.headers)
    if heard.status == 200:
        return verdict(route, Need.BETAS, "kept", "A request with its beta headers was answered.")
    return verdict(
        route,
        Need.BETAS,
        "lost",
        f"A request with its beta headers failed: {_why(heard)}.",
        *_steps(heard),
    )


def _why(heard: Heard, error: str = "") -> str:
    """Why a request failed, in words."""
    if heard.failure:
        return heard.failure
    words = (error or error_in(heard.json) or f"HTTP {heard.status}").rstrip(". ")
    spec = CATALOGUE.get(heard.code)
    if spec is None or heard.code in words:
        return words
    said = "" if words.startswith(spec.title) else f"{spec.title}: "
    return f"{heard.code} {said}{words}"


def _steps(heard: Heard) -> tuple[str, ...]:
    spec = CATALOGUE.get(heard.code)
    if heard.code == "KP-AUTH-001":
        return (
            "Put one of KorProxy's local keys into the tool's settings; or into KORPROXY_KEY, for this command.",
        )
    return spec.remedy if spec is not None else ()
