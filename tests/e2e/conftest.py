"""Real gateway processes, one per kind and module."""

from collections.abc import Iterator

import pytest

from support.gateway import GatewayProcess, SimulatedGateway, StockMitmdump, StockMitmweb

KINDS = {"engine": GatewayProcess, "mitmdump": StockMitmdump, "mitmweb": StockMitmweb}


@pytest.fixture(scope="module", params=list(KINDS))
def either(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimulatedGateway]:
    """KorProxy's own engine, and the same addons under stock mitmdump and mitmweb."""
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, start=KINDS[request.param]) as running:
        yield running


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """KorProxy's own engine."""
    with SimulatedGateway(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet_simulator(request: pytest.FixtureRequest) -> None:
    """Each test begins with an empty ledger and no faults."""
    for name in ("either", "engine"):
        if name in request.fixturenames:
            request.getfixturevalue(name).sim.reset()
