"""Crash reports on their way out, by Sentry's own library with everything in it turned off that looks around by itself."""

import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from korproxy_addons.recording.crash import allowed

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

OPTIONS: dict[str, Any] = {
    "default_integrations": False,
    "auto_enabling_integrations": False,
    "integrations": [],
    "include_local_variables": False,
    "include_source_context": False,
    "max_breadcrumbs": 0,
    "max_request_body_size": "never",
    # Not `send_default_pii=False`, which is what holds without it, and is deprecated.
    "server_name": "",
    "attach_stacktrace": False,
    "auto_session_tracking": False,
    "send_client_reports": False,
    "enable_backpressure_handling": False,
    "enable_logs": False,
    "traces_sample_rate": None,
    "trace_propagation_targets": [],
    "profiles_sample_rate": None,
    "spotlight": False,
    "debug": False,
    # Given, as it is else taken from the environment.
    "release": "",
    "environment": "",
    "dist": "",
    "project_root": "",
    "keep_alive": False,
    "shutdown_timeout": 0,
}
"""Nothing of ours is looked at but what is handed over, and that goes through `allowed`."""

type Told = Callable[[str, str], None]
"""Told a report's id, and "" once it was taken in, else what went wrong; in a thread of the library's."""


class SentrySender:
    """
    Sends events to one project.

    Args:
        dsn: Where.
        told: How each went.
    Raises:
        ValueError: The DSN is none.
    """

    def __init__(self, dsn: str, told: Told) -> None:
        # Loaded only where somebody wants to send.
        from sentry_sdk import Client  # noqa: PLC0415
        from sentry_sdk.utils import BadDsn  # noqa: PLC0415

        self.dsn = dsn
        # It would quote a server's answer on the terminal.
        logging.getLogger("sentry_sdk.errors").disabled = True
        try:
            self._client = Client(
                dsn=dsn,
                transport=_transport(told),
                before_send=_before_send,
                before_send_transaction=_nothing,
                **OPTIONS,
            )
        except BadDsn as error:
            raise ValueError(str(error)) from None

    def send(self, event: dict[str, Any]) -> None:
        """Hand an event to the library's thread."""
        self._client.capture_event(cast("Event", dict(event)))

    def close(self, wait_s: float) -> None:
        """Wait until all is sent, but no longer than `wait_s`; then end."""
        self._client.close(timeout=wait_s)


def _before_send(event: "Event", _hint: "Hint") -> "Event":
    return allowed(event)  # type: ignore[return-value] # it is one, made of what may be in it


def _nothing(_event: "Event", _hint: "Hint") -> None:
    """What is no crash is never sent."""


def _transport(told: Told) -> type:
    """The library's own transport, which says how it went."""
    from sentry_sdk.transport import HttpTransport  # noqa: PLC0415

    class Post(HttpTransport):
        def _send_envelope(self, envelope: Any) -> None:
            event = envelope.get_event()
            self._went = ""
            with contextlib.suppress(
                Exception
            ):  # the network's; what is ours to say of it is told below
                super()._send_envelope(envelope)
            if event is not None:
                told(event["event_id"], self._went)

        def on_dropped_event(self, reason: str) -> None:
            self._went = reason

    return Post
