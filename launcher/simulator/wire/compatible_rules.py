"""What services that only resemble OpenAI's refuse: less than OpenAI, but roles and the order of tool messages."""

from typing import Any

from launcher.simulator.wire.reading import Json, objects

ROLES = ("system", "assistant", "user", "tool", "function")


def chat_problem(body: Json) -> str | None:
    """The refusal's text, or nothing; fields nobody knows are ignored, as such services do."""
    messages = body.get("messages")
    if not isinstance(body.get("model"), str):
        return "you must provide a model parameter"
    if not isinstance(messages, list) or not messages:
        return "[] is too short - 'messages'"
    waiting: list[str] = []
    for index, message in enumerate(objects(messages)):
        role = message.get("role")
        if role not in ROLES:
            return f"{role} is not one of {list(ROLES)} - 'messages.{index}.role'"
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                return (
                    'messages with role "tool" must be a response to a preceeding message with'
                    ' "tool_calls".'
                )
            waiting.remove(str(message["tool_call_id"]))
            continue
        if waiting:
            break
        waiting = [str(call.get("id")) for call in objects(message.get("tool_calls"))]
    if waiting:
        return (
            'An assistant message with "tool_calls" must be followed by tool messages responding to'
            f' each "tool_call_id". The following tool_call_ids did not have response messages:'
            f" {', '.join(waiting)}"
        )
    return _of_settings(body)


def _of_settings(body: Json) -> str | None:
    tools: Any = body.get("tools")
    if tools is not None and not tools:
        return "[] is too short - 'tools'"
    if body.get("tool_choice") is not None and not tools:
        return "tools are required when tool choice is specified"
    for tool in objects(tools):
        if not isinstance(tool.get("function"), dict) or not tool["function"].get("name"):
            return "'function' is a required property - 'tools.0'"
    if body.get("stream_options") is not None and body.get("stream") is not True:
        return "'stream_options' only set this when you set stream: true."
    return None
