"""
The simulated providers: Claude, OpenAI and ChatGPT, Gemini and Code Assist, Qwen, iFlow, generic endpoints; one port.

As strict as the real ones, deterministic, able to fail in every way a real one does. Imports nothing of KorProxy, so
that no mistake judges itself.

    with SimulatorThread() as sim:                        # synchronous tests, gateways in other processes
        way_in = sim.urls()["claude", "api-key"]          # host, base, token, quota, dialect, secret, model, account_id
        sim.script("529", provider="claude", count=2)     # the next two requests to Claude
        ...
        entry = sim.wait(lambda entries: entries and entries[-1].finished)[-1]

    simulator = Simulator(clock=lambda: 1_795_000_000)    # on the running event loop
    await simulator.start()

    python -m launcher.simulator --port 0 --ready-json    # its own process, scripted through `/_sim/` (see `control`)

`faults` names the faults and their settings, `scenarios` the named situations, `directives` what a prompt can ask the
model to do, `keys` all credentials, `accesses` the ways in, `ledger` what is noted of each request.
"""

from launcher.simulator.accesses import ACCESSES
from launcher.simulator.faults import FAULTS
from launcher.simulator.hosts import REAL_HOSTS, Access
from launcher.simulator.keys import CREDENTIALS, Credential
from launcher.simulator.ledger import Entry, Ledger
from launcher.simulator.scenarios import SCENARIOS, Scenario
from launcher.simulator.server import Simulator
from launcher.simulator.thread import SimulatorThread

__all__ = [
    "ACCESSES",
    "CREDENTIALS",
    "FAULTS",
    "REAL_HOSTS",
    "SCENARIOS",
    "Access",
    "Credential",
    "Entry",
    "Ledger",
    "Scenario",
    "Simulator",
    "SimulatorThread",
]
