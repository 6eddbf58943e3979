import subprocess
import sys

import pytest

HURRIED = "from korproxy_addons.gateway.quick_start import defer, hurry; hurry(); import gc, sys\n"


def printed(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", HURRIED + program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_gateway_loads_no_addon_that_it_does_not_use() -> None:
    found = printed(
        "import korproxy_addons.__main__\n"
        "print(*('yes' if it in sys.modules else 'no' for it in"
        " ('mitmproxy.addons.proxyserver', 'mitmproxy.addons.onboarding', 'flask', 'ldap3')))"
    )
    assert found == ["yes", "no", "no", "no"]


@pytest.mark.parametrize(
    "ask", ["from mitmproxy import addons", "import mitmproxy.addons as addons"]
)
def test_what_was_left_out_is_there_when_it_is_asked_for(ask: str) -> None:
    """mitmweb wants all of them."""
    (count,) = printed(f"{ask}\nprint(len(addons.default_addons()))")
    assert int(count) > 20


def test_a_name_that_does_not_exist_is_an_ordinary_error() -> None:
    found = printed(
        "import mitmproxy.addons\n"
        "try:\n    mitmproxy.addons.nothing\n"
        "except AttributeError as error:\n    print(error.name)"
    )
    assert found == ["nothing"]


def test_a_package_that_is_loaded_stays_as_it_is() -> None:
    found = printed(
        "import email.mime\nbefore = sys.modules['email.mime']\ndefer('email.mime')\n"
        "print(sys.modules['email.mime'] is before)"
    )
    assert found == ["True"]


def test_what_is_no_package_is_left_alone() -> None:
    assert printed("defer('ast')\ndefer('no_such_module')\nprint('ast' in sys.modules)") == [
        "False"
    ]


def test_the_collector_is_off_until_the_gateway_has_settled() -> None:
    found = printed(
        "print(gc.isenabled())\n"
        "from korproxy_addons.gateway.event_loop import settle\nsettle()\nprint(gc.isenabled())"
    )
    assert found == ["False", "True"]
