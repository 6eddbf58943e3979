"""Legacy text completions."""

from launcher.simulator import SimulatorThread
from support.simulator_client import send

BEARER = {"authorization": "Bearer sk-proj-sim-1"}


def test_streamed_and_whole_completions_say_the_same(sim: SimulatorThread) -> None:
    url = f"{sim.base_url}/openai/v1/completions"
    body = {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": '[[sim text="one two three four five six"]]',
    }
    whole = send("POST", url, body, BEARER).json()
    streamed = send("POST", url, {**body, "stream": True}, BEARER)
    assert whole["choices"][0]["text"] == "one two three four five six"
    assert (
        "".join(p["choices"][0]["text"] for p in streamed.payloads()) == whole["choices"][0]["text"]
    )
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + 7


def test_it_is_cut_at_sixteen_tokens_by_itself(sim: SimulatorThread) -> None:
    body = {"model": "gpt-3.5-turbo-instruct", "prompt": "[[sim tokens=20]]"}
    choice = send("POST", f"{sim.base_url}/openai/v1/completions", body, BEARER).json()["choices"][
        0
    ]
    assert (len(choice["text"]), choice["finish_reason"]) == (64, "length")
