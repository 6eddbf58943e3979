import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import (
    CHAT,
    CODE_ASSIST_METHODS,
    GEMINI,
    MESSAGES,
    OWN_PAGES,
    RESPONSES,
    Wanted,
    dialect_of,
    read_path,
)

POSTS = [
    ("chat/completions", CHAT, Operation.GENERATE),
    ("completions", CHAT, Operation.COMPLETIONS),
    ("embeddings", CHAT, Operation.EMBEDDINGS),
    ("responses", RESPONSES, Operation.GENERATE),
    ("responses/compact", RESPONSES, Operation.COMPACT),
    ("responses/input_tokens", RESPONSES, Operation.COUNT_TOKENS),
    ("messages", MESSAGES, Operation.GENERATE),
    ("messages/count_tokens", MESSAGES, Operation.COUNT_TOKENS),
]


def post(path: str, query: str = "") -> Wanted:
    return read_path("POST", path, query, {})


@pytest.mark.parametrize(("rest", "dialect", "operation"), POSTS)
@pytest.mark.parametrize(
    "start",
    [
        "/v1/", "/", "/v1/v1/", "//v1/", "/v1//", "/v1beta/openai/", "/v1/openai/", "/openai/v1/",
        "/v1beta/openai/v1/", "/backend-api/codex/v1/",
    ],
)  # fmt: skip
def test_a_base_url_works_with_its_version_without_it_and_with_it_twice(
    start: str, rest: str, dialect: str, operation: Operation
) -> None:
    assert post(start + rest) == Wanted(dialect, operation)


def test_a_slash_behind_the_path_changes_nothing() -> None:
    assert post("/v1/messages/") == Wanted(MESSAGES, Operation.GENERATE)


@pytest.mark.parametrize(
    ("verb", "query", "stream", "array"),
    [
        ("generateContent", "", False, False),
        ("streamGenerateContent", "alt=sse", True, False),
        ("streamGenerateContent", "", True, True),
        ("countTokens", "", False, False),
    ],
)
def test_code_assist_is_gemini_in_an_envelope(
    verb: str, query: str, stream: bool, array: bool
) -> None:
    operation = Operation.COUNT_TOKENS if verb == "countTokens" else Operation.GENERATE
    expected = Wanted(GEMINI, operation, None, stream, array, envelope=True)
    assert post(f"/v1internal:{verb}", query) == expected
    assert post(f"//v1internal%3A{verb}", query) == expected


@pytest.mark.parametrize("method", sorted(CODE_ASSIST_METHODS - {"operations"}))
def test_what_gemini_cli_asks_around_a_session_is_answered_here(method: str) -> None:
    assert post(f"/v1internal:{method}") == Wanted(GEMINI, own=method)
    assert read_path("GET", f"/v1internal:{method}", "", {}).own == method


def test_the_state_of_being_set_up_is_asked_by_its_name() -> None:
    assert read_path("GET", "/v1internal/operations/x", "", {}) == Wanted(GEMINI, own="operations")


@pytest.mark.parametrize("rest", ["", ":", ":embedContent", ":other", "/x", "/operations"])
def test_nothing_else_of_code_assist_is_there(rest: str) -> None:
    with pytest.raises(KorProxyError) as refused:
        post(f"/v1internal{rest}")
    assert refused.value.spec is catalogue.UNKNOWN_PATH
    assert dialect_of(f"/v1internal{rest}", {}) == GEMINI


def test_codex_by_chatgpt_login_asks_under_its_backend_s_path() -> None:
    assert post("/backend-api/codex/responses") == Wanted(RESPONSES, Operation.GENERATE)
    wanted = read_path("GET", "/backend-api/codex/models", "client_version=0.169.0", {})
    assert wanted == Wanted(RESPONSES, Operation.MODELS)


@pytest.mark.parametrize(
    "start", ["/v1beta/models/", "/v1/models/", "/models/", "/v1beta/v1beta/models/"]
)
def test_gemini_lives_under_every_version(start: str) -> None:
    """google-genai 3 calls /v1; LiteLLM given the bare address calls no version at all."""
    path = start + "gemini-3-pro:streamGenerateContent"
    expected = Wanted(GEMINI, Operation.GENERATE, "gemini-3-pro", stream=True)
    assert post(path, "alt=sse") == expected
    assert post(path, "key=AIza&alt=sse") == expected


def test_a_gemini_stream_without_alt_is_one_array() -> None:
    path = "/v1beta/models/m:streamGenerateContent"
    assert post(path).array
    assert post(path, "alt=json").array
    assert not post(path, "alt=sse").array
    assert not post("/v1beta/models/m:generateContent").array


@pytest.mark.parametrize(
    ("verb", "operation", "stream"),
    [
        ("generateContent", Operation.GENERATE, False),
        ("streamGenerateContent", Operation.GENERATE, True),
        ("countTokens", Operation.COUNT_TOKENS, False),
        ("embedContent", Operation.EMBEDDINGS, False),
    ],
)
@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_the_verb_says_what_gemini_wants(
    verb: str, operation: Operation, stream: bool, colon: str
) -> None:
    wanted = post(f"/v1beta/models/m{colon}{verb}")
    assert (wanted.operation, wanted.stream, wanted.path_model) == (operation, stream, "m")


@pytest.mark.parametrize(
    ("sent", "model"),
    [
        ("provider%2Fmodel", "provider/model"),
        ("provider/model", "provider/model"),
        ("qwen:7b", "qwen:7b"),
        ("opus%5B1m%5D", "opus[1m]"),
    ],
)
def test_a_model_in_the_path_may_be_any_id(sent: str, model: str) -> None:
    assert post(f"/v1beta/models/{sent}:generateContent").path_model == model


@pytest.mark.parametrize(
    ("path", "query", "headers", "dialect"),
    [
        ("/v1/models", "", {}, CHAT),
        ("/v1/models", "", {"authorization": "Bearer sk"}, CHAT),
        ("/models", "", {}, CHAT),
        ("/v1/models", "limit=1000", {"anthropic-version": "2026-10-21"}, MESSAGES),
        ("/v1/models", "", {"x-goog-api-key": "k"}, GEMINI),
        ("/v1beta/models", "key=k", {}, GEMINI),
        ("/v1beta/models", "pageSize=5", {}, GEMINI),
        ("/v1beta/openai/models", "", {}, CHAT),
        ("/v1/models", "client_version=0.169.0", {}, RESPONSES),
        ("/v1/models", "client_version=0.169.0", {"anthropic-version": "x"}, RESPONSES),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_model_list_has_four_owners(
    method: str, path: str, query: str, headers: dict[str, str], dialect: str
) -> None:
    assert read_path(method, path, query, headers) == Wanted(dialect, Operation.MODELS)


@pytest.mark.parametrize("model", ["gpt-4o", "ft:gpt-4o:acme::id", "qwen:7b"])
def test_one_model_can_be_asked_for(model: str) -> None:
    assert read_path("GET", f"/v1/models/{model}", "", {}).path_model == model


def test_the_websocket_variant_of_responses_is_marked() -> None:
    """It must be refused with 426, and only this path: anything else costs Codex its turn."""
    wanted = read_path("GET", "/v1/responses", "", {"upgrade": "websocket"})
    assert wanted == Wanted(RESPONSES, upgrade=True)
    assert not post("/v1/responses").upgrade


@pytest.mark.parametrize(("path", "name"), OWN_PAGES.items())
def test_the_gateway_has_pages_of_its_own(path: str, name: str) -> None:
    assert read_path("GET", path, "", {}).local == name
    assert read_path("HEAD", path, "", {}).operation is None
    with refused(catalogue.METHOD_NOT_ALLOWED):
        post(path)


@pytest.mark.parametrize(
    "path", ["/v0/management/config", "/v0/management", "/_korproxy/drain", "/api/v1/profiles"]
)
def test_what_is_on_the_launcher_s_port_says_so(path: str) -> None:
    with refused(catalogue.MOVED):
        read_path("GET", path, "", {})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/api/hello"),
        ("GET", "/favicon.ico"),
        ("POST", "/v1"),
        ("POST", "/v1/"),
        ("POST", "/v1/chat"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1beta/models/m:predict"),
        ("GET", "/v1/responses/x"),
        ("GET", "/v1/responses/resp_1/cancel"),
        ("POST", "/v2/messages"),
        ("POST", "/metrics/x"),
        ("GET", ""),
    ],
)
def test_an_unknown_path_is_said_at_once(method: str, path: str) -> None:
    with refused(catalogue.UNKNOWN_PATH):
        read_path(method, path, "", {})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("OPTIONS", "/v1/messages"),
        ("PUT", "/v1/responses"),
        ("HEAD", "/v1/responses"),
        ("GET", "/v1beta/models/m:generateContent"),
        ("POST", "/v1/models"),
        ("DELETE", "/v1/models/gpt-4o"),
    ],
)
def test_a_known_path_with_another_method_says_which_one_it_takes(method: str, path: str) -> None:
    with refused(catalogue.METHOD_NOT_ALLOWED) as found:
        read_path(method, path, "", {})
    assert "use" in found.value.detail


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        ("/v1/messages", {}, MESSAGES),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, MESSAGES),
        ("/v1/responses/x", {}, RESPONSES),
        ("/v1beta/anything", {}, GEMINI),
        ("/v1beta/openai/chat/completions", {}, CHAT),
        ("/v1/models/m:generateContent", {}, GEMINI),
        ("/anything", {"x-goog-api-key": "k"}, GEMINI),
        ("/anything", {}, CHAT),
    ],
)
def test_an_error_is_worded_for_who_asks(path: str, headers: dict[str, str], dialect: str) -> None:
    assert dialect_of(path, headers) == dialect


@given(st.sampled_from(["GET", "POST", "HEAD", "PATCH"]), st.text(), st.text())
def test_any_request_line_has_an_answer(method: str, path: str, query: str) -> None:
    """A path read, or an error of ours; nothing else comes out."""
    try:
        wanted = read_path(method, "/" + path, query, {})
    except KorProxyError as error:
        assert error.status in (404, 405)  # noqa: PT017 - one of two outcomes
    else:
        assert wanted.operation is not None or wanted.local or wanted.upgrade


def refused(spec: catalogue.ErrorSpec) -> pytest.RaisesExc[KorProxyError]:
    return pytest.RaisesExc(KorProxyError, check=lambda error: error.spec is spec)


def test_answers_that_were_kept_are_asked_for_by_their_id() -> None:
    assert read_path("GET", "/v1/responses/resp_1", "", {}) == Wanted(RESPONSES, stored="resp_1")
    assert read_path("DELETE", "/v1/v1/responses/resp_1", "", {}).stored == "resp_1"
    wanted = read_path("GET", "/v1/responses/resp_1/input_items", "limit=20", {})
    assert wanted == Wanted(RESPONSES, stored="resp_1", stored_part="input_items")
    with pytest.raises(KorProxyError) as refused:
        read_path("POST", "/v1/responses/resp_1", "", {})
    assert refused.value.spec is catalogue.METHOD_NOT_ALLOWED
