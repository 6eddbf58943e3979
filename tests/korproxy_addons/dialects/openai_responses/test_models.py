import json
from typing import Any

from korproxy_addons.config.habits import ModelFacts, Thinking
from korproxy_addons.dialects.openai_responses.models import encoded_catalogue, encoded_model


def entry(model: ModelFacts) -> dict[str, Any]:
    (found,) = json.loads(encoded_catalogue([model]))["models"]
    return dict(found)


def test_the_catalogue_that_codex_reads() -> None:
    """T173: it reads no list in which one of these is lacking."""
    found = entry(ModelFacts("claude-x", "Claude X", owner="anthropic", context_tokens=200_000))
    assert (
        found.items()
        >= {
            "slug": "claude-x",
            "display_name": "Claude X",
            "visibility": "list",
            "supported_in_api": True,
            "context_window": 200_000,
            "prefer_websockets": False,
            "priority": 0,
        }.items()
    )
    needed = {
        "description", "supported_reasoning_levels", "shell_type", "upgrade", "base_instructions",
        "support_verbosity", "default_verbosity", "apply_patch_tool_type", "truncation_policy",
        "supports_parallel_tool_calls", "experimental_supported_tools", "input_modalities",
    }  # fmt: skip
    assert needed <= found.keys()
    assert found["base_instructions"]


def test_efforts() -> None:
    found = entry(ModelFacts("m", efforts=("minimal", "low", "medium", "brand-new")))
    assert [each["effort"] for each in found["supported_reasoning_levels"]] == [
        "minimal",
        "low",
        "medium",
    ]
    assert found["default_reasoning_level"] == "medium"
    assert entry(ModelFacts("m", efforts=("low",)))["default_reasoning_level"] == "low"
    assert len(entry(ModelFacts("m", thinking=Thinking.BUDGET))["supported_reasoning_levels"]) == 3
    assert entry(ModelFacts("m"))["supported_reasoning_levels"] == []
    assert entry(ModelFacts("m"))["default_reasoning_level"] is None


def test_what_it_takes_and_who_may_see_it() -> None:
    assert entry(ModelFacts("m"))["input_modalities"] == ["text", "image"]
    assert entry(ModelFacts("m", inputs=("text", "audio")))["input_modalities"] == ["text"]
    assert entry(ModelFacts("m", inputs=("audio",)))["input_modalities"] == ["text"]
    assert entry(ModelFacts("m", recommended=False))["visibility"] == "hide"


def test_an_empty_list() -> None:
    assert json.loads(encoded_catalogue([])) == {"models": []}


def test_one_model() -> None:
    assert json.loads(encoded_model(ModelFacts("m", created_at=5, owner="x"))) == {
        "id": "m",
        "object": "model",
        "created": 5,
        "owned_by": "x",
    }
