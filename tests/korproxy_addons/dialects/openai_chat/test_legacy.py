import pytest

from korproxy_addons.dialects.openai_chat.legacy import is_legacy


@pytest.mark.parametrize(
    ("body", "legacy"),
    [
        (b'{"functions":[{"name":"f"}]}', True),
        (b'{"functions":[{"name":"f"}],"tools":null}', True),
        (b'{"functions":[{"name":"f"}],"tools":[{}]}', False),
        (b'{"functions":null}', False),
        (b'{"messages":[{"content":"\\"functions\\""}]}', False),
        (b'{"metadata":{"functions":"x"}}', False),
        (b'{"functions":', False),
        (b"", False),
    ],
)
def test_t144_a_client_of_functions_is_told_by_its_request(body: bytes, legacy: bool) -> None:
    assert is_legacy(body) is legacy
