from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.estimate import (
    claude_version,
    corrected,
    estimated_tokens,
    family_of,
    learned_factor,
)
from korproxy_addons.dialects.model import (
    ChatRequest,
    CustomTool,
    FormatKind,
    FunctionTool,
    HostedKind,
    HostedTool,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Role,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)

GPT, CLAUDE, GEMINI, QWEN = "gpt-5.4", "claude-sonnet-4-5", "gemini-2.5-flash", "qwen3-max"
ASK = Message(Role.USER, (TextPart("x" * 100),))


def words(text: str) -> int:
    """A tokenizer: one token per character."""
    return len(text)


def tokens(
    *messages: Message, model: str = GPT, tools: tuple[Tool, ...] = (), **rest: object
) -> int:
    request = ChatRequest("openai-chat", model, messages or (ASK,), tools=tools, **rest)  # type: ignore[arg-type]
    return estimated_tokens(request, model, words)


def said(role: Role, *parts: Part) -> Message:
    return Message(role, parts)


@pytest.mark.parametrize(
    ("model", "same"),
    [
        ("anthropic/claude-haiku-4.5", "claude-sonnet-4-6"),
        ("claude-3-opus-20240229", "claude-sonnet-4-20250514"),
        ("claude-opus-4-8", "claude-opus-5-5"),
        ("google/gemini-3.8-flash", "gemini-flash-latest"),
        ("openai/gpt-4o", "gpt-4.1"),
        ("gpt-5.4", "o3"),
        ("gpt-5", "gpt-5.1"),
        ("qwen3-max", "glm-5"),
        ("moonshotai/kimi-k2", "mistral-small"),
        ("unheard-of", "qwen3-max"),
    ],
)
def test_a_models_family_is_in_its_name(model: str, same: str) -> None:
    assert family_of(model) is family_of(same)


def test_families_differ() -> None:
    models = (
        "claude-3-opus", "claude-haiku-4-5", "claude-opus-4-7", "gemini-2.5-pro", "gemini-3-pro", "gpt-4o",
        "gpt-5.4", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5-nano", "gpt-oss-20b", "deepseek-v4", "kimi-k2", "glm-5",
    )  # fmt: skip
    assert len({id(family_of(model)) for model in models}) == len(models)


def test_a_claudes_version() -> None:
    assert claude_version("claude-3-5-sonnet-20241022") == (3, 5)
    assert claude_version("claude-sonnet-4-20250514") == (4, 0)
    assert claude_version("vertex/claude-opus-4-7@20260101") == (4, 7)
    assert claude_version("claude-latest") >= (4, 8)


def test_t171_system_text_tools_and_results_count() -> None:
    """Counting messages alone is the trap: the rest is most of a coding tool's prompt."""
    tool = FunctionTool("read", "d" * 1000, Raw(b'{"type":"object"}'))
    for model in (GPT, CLAUDE, GEMINI, QWEN):
        bare = tokens(model=model)
        assert tokens(model=model, system=(TextPart("s" * 500),)) >= bare + 500
        assert tokens(model=model, tools=(tool,)) > bare + 500
        call = said(Role.ASSISTANT, ToolCallPart("c", "read", '{"a":1}'))
        result = said(Role.USER, ToolResultPart("c", (TextPart("r" * 700),)))
        assert tokens(ASK, call, result, model=model) > bare + 700


def test_t171_base64_is_not_counted_as_words() -> None:
    picture = MediaPart(MediaKind.IMAGE, base64="A" * 1_000_000)
    assert 100 < tokens(said(Role.USER, TextPart("x"), picture)) - tokens() < 3000


def test_t171_a_text_is_counted_as_its_words_however_it_is_packed() -> None:
    """No page of it is ever shown to the model as a picture."""
    packed = MediaPart(MediaKind.DOCUMENT, "text/plain", base64=b64encode(b"t" * 300).decode())
    plain = MediaPart(MediaKind.DOCUMENT, text="t" * 300)
    for model in (CLAUDE, "gpt-5", "gemini-2.5-flash"):
        assert tokens(said(Role.USER, packed), model=model) == tokens(
            said(Role.USER, plain), model=model
        )


def test_a_documents_text_counts_and_citing_costs_at_claude() -> None:
    text = MediaPart(MediaKind.DOCUMENT, text="t" * 300)
    cited = MediaPart(MediaKind.DOCUMENT, text="t" * 300, cite=True)
    plain = tokens(said(Role.USER, text), model=CLAUDE)
    assert 300 < plain < 350
    assert tokens(said(Role.USER, cited), model=CLAUDE) > plain + 500


def test_claude_drops_reasoning_of_earlier_questions() -> None:
    thought = said(Role.ASSISTANT, ThinkingPart("t" * 400), ToolCallPart("c", "f", "{}"))
    result = said(Role.USER, ToolResultPart("c"))
    running = tokens(ASK, thought, result, model=CLAUDE)
    assert running > 500
    assert tokens(ASK, thought, result, ASK, model=CLAUDE) < running


def test_hidden_reasoning_counts_by_its_state() -> None:
    hidden = said(Role.ASSISTANT, ThinkingPart("", Opaque("openai", "s" * 1000)))
    assert 40 < tokens(ASK, hidden) - tokens() < 90


def test_gemini_drops_hidden_reasoning_of_earlier_questions() -> None:
    call = ToolCallPart("c", "f", "{}", state=Opaque("google", "s" * 1000))
    turns = (said(Role.ASSISTANT, call), said(Role.USER, ToolResultPart("c")))
    next_question = said(Role.USER, TextPart("x"))
    for model in (GEMINI, "gemini-3.8-flash"):
        running = tokens(ASK, *turns, model=model)
        assert running > 100, model
        assert tokens(ASK, *turns, next_question, model=model) < running - 50, model


def test_gemini_counts_each_digit() -> None:
    number = said(Role.USER, TextPart("1" * 90))
    assert (
        tokens(number, model=GEMINI) - tokens(said(Role.USER, TextPart("a" * 90)), model=GEMINI)
        == 60
    )


def test_only_the_clients_own_tools_and_its_answers_form_count() -> None:
    hosted = HostedTool(HostedKind.WEB_SEARCH, "web_search", "", "x", Raw(b"{}"))
    assert tokens(tools=(hosted,)) == tokens()
    custom = CustomTool("patch", "d" * 100, Raw(b'{"definition":"g"}'))
    assert tokens(tools=(custom,)) > tokens() + 50
    form = OutputFormat(FormatKind.SCHEMA, Raw(b'{"type":"object"}'))
    assert tokens(output=form) > tokens()


def test_what_was_learned_of_a_model_corrects_its_estimates() -> None:
    factor = 1.0
    for _ in range(40):
        factor = learned_factor(factor, 1000, 1300)
    assert corrected(1000, factor) == pytest.approx(1300, rel=0.01)
    assert corrected(0, factor) == 0
    assert corrected(1, 0.1) == 1


@pytest.mark.parametrize(("estimated", "stated"), [(10, 15), (1000, 90_000), (1000, 100), (0, 0)])
def test_short_prompts_and_other_countings_teach_nothing(estimated: int, stated: int) -> None:
    assert learned_factor(1.25, estimated, stated) == 1.25


@given(
    st.lists(st.text(max_size=30), max_size=6),
    st.sampled_from([GPT, CLAUDE, GEMINI, QWEN]),
)
def test_a_longer_conversation_never_counts_less(texts: list[str], model: str) -> None:
    counts = [
        tokens(*(said(Role.USER, TextPart(text)) for text in ["q", *texts][:length]), model=model)
        for length in range(1, len(texts) + 2)
    ]
    assert counts == sorted(counts)
