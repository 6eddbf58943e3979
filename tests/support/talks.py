"""A conversation with the gateway, turn by turn, by a client of Responses."""

import asyncio
from dataclasses import replace
from typing import Any

from korproxy_addons.config.schema import LocalKey
from korproxy_addons.gateway.conversations import Conversations
from support.answers import CHAT, MESSAGES, RESPONSES, completion, message
from support.asking import Question, question
from support.clock import FakeClock
from support.fake_sink import FakeSink
from support.fake_upstream import FakeUpstream, json_reply
from support.legs import Rig, accounts_of, exchange_for


class Talk:
    """A client of Responses at an upstream of another dialect, turn by turn."""

    def __init__(
        self,
        upstream_id: str = CHAT,
        *,
        replies: int = 4,
        memory: Conversations | None = None,
        **extra: Any,
    ) -> None:
        whole = message if upstream_id == MESSAGES else completion
        script = [json_reply(whole(f"Answer {number}")) for number in range(replies)]
        self.upstream = FakeUpstream(a=script)
        self.clock = FakeClock()
        self.rig = Rig(accounts_of({"a": upstream_id}, **extra), self.upstream)
        self.kept = memory or Conversations(clock=self.clock)
        self.rig.services = replace(self.rig.services, conversations=self.kept)
        self.kept.configure(self.rig.config.conversations)
        self.turn = 0

    def say(self, text: Any, previous: str = "", *, key: str = "", **extra: Any) -> FakeSink:
        """One request; each has an id of its own, as each exchange has."""
        if previous:
            extra["previous_response_id"] = previous
        asked = question(RESPONSES, "m", **extra)
        asked.body["input"] = text
        return self.send(asked, key)

    def send(self, asked: Question, key: str = "", method: str = "POST") -> FakeSink:
        async def run() -> FakeSink:
            exchange = exchange_for(self.rig.config, asked, method=method)
            self.turn += 1
            exchange.seed = f"seed{self.turn}"
            if key:
                exchange.local_key = LocalKey(id=key, sha256="0" * 64)
            return await self.rig.serve(exchange)

        return asyncio.run(run())

    def get(self, path: str, *, key: str = "", method: str = "GET") -> FakeSink:
        return self.send(Question(f"/v1/responses/{path}", {}), key, method)

    @property
    def sent(self) -> list[str]:
        """The texts that the last call upstream consisted of."""
        return [
            item["content"] if isinstance(item["content"], str) else item["content"][0]["text"]
            for item in self.upstream.sent()["messages"]
        ]
