"""`python -m launcher.simulator`: the simulator as a process of its own."""

import argparse
import asyncio
import json
import signal
import sys

from launcher.simulator.control import urls_as_json
from launcher.simulator.server import Simulator


async def _run(port: int, *, ready_json: bool) -> None:
    simulator = Simulator(port)
    await simulator.start()
    if ready_json:
        ready = {"base_url": simulator.base_url, "port": simulator.port}
        line = json.dumps({**ready, "urls": urls_as_json(simulator)})
    else:
        line = f"The simulated providers listen at {simulator.base_url}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        try:
            loop.add_signal_handler(getattr(signal, name), stop.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            break
    try:
        await stop.wait()
    finally:
        await simulator.stop()


def main() -> None:
    """Start, print one line when ready (JSON with `--ready-json`), stay until a signal."""
    parser = argparse.ArgumentParser(prog="python -m launcher.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--ready-json", action="store_true", help="print the ready line as JSON")
    options = parser.parse_args()
    try:
        asyncio.run(_run(options.port, ready_json=options.ready_json))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
