"""Hosts and ways in."""

import pytest

from launcher.simulator import ACCESSES, REAL_HOSTS, Access
from launcher.simulator.hosts import contracts
from launcher.simulator.keys import CREDENTIALS


def test_every_real_host_has_a_contract() -> None:
    invented = {host for host in contracts() if host.startswith("compat-")}
    assert set(contracts()) - invented == set(REAL_HOSTS)
    assert len(invented) == 4


@pytest.mark.parametrize(
    "access", ACCESSES, ids=lambda access: f"{access.provider}-{access.access}"
)
def test_a_way_in_leads_to_hosts_that_exist(access: Access) -> None:
    for path in (access.host, access.base, access.token, access.quota):
        assert not path or path.split("/")[1] in contracts()
    assert access.base.startswith(access.host)
    owner = next(each for each in CREDENTIALS if each.secret == access.secret)
    assert access.host.removeprefix("/") in owner.hosts


def test_no_way_in_is_there_twice() -> None:
    ways = [(each.provider, each.access) for each in ACCESSES]
    assert len(set(ways)) == len(ways)
