"""
The gateway with a constant of its own changed: `python -m support.adjusted PLACE=VALUE ... -- [engine arguments]`.

PLACE is `module:NAME`, VALUE is JSON. For what a test cannot wait for, such as a pause of many seconds.
"""

import importlib
import json
import os
import sys
from pathlib import Path

from support.gateway import GatewayProcess


class AdjustedGateway(GatewayProcess):
    """
    A gateway in which a few constants have other values.

    Args:
        home: The KorProxy folder, its config written.
        values: Place to value.
    """

    def __init__(self, home: Path, values: dict[str, object]) -> None:
        places = [f"{place}={json.dumps(value)}" for place, value in values.items()]
        command = [
            sys.executable, "-m", "support.adjusted", *places, "--", "--home", str(home),
            "--port", "0", "--ready-json", "--quiet",
        ]  # fmt: skip
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        super().__init__(home, command, {"PYTHONPATH": os.pathsep.join(filter(None, paths))})


def adjust(place: str, value: object) -> None:
    """
    Give the constant at `place` another value.

    Raises:
        AttributeError: there is none; a test that adjusts it would test nothing.
    """
    module_name, _, name = place.partition(":")
    module = importlib.import_module(module_name)
    if not hasattr(module, name):
        raise AttributeError(f"{module_name} has no {name}")
    setattr(module, name, value)


if __name__ == "__main__":
    from korproxy_addons.__main__ import main

    split = sys.argv.index("--")
    for argument in sys.argv[1:split]:
        found, _, text = argument.partition("=")
        adjust(found, json.loads(text))
    sys.exit(main(sys.argv[split + 1 :]))
