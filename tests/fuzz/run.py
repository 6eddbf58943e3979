"""
The checks of this folder under atheris, which looks for inputs that reach new code.

    pip install atheris
    python tests/fuzz/run.py --seconds 600 [--folder FOLDER] [options of libFuzzer]

It begins with the bodies of the corpus and, where they are, of the recordings. The first input of each failure (the exception, the
check, where it was raised) is written to the folder `found` of the current one, and the search goes on; kept in `cases/`, the
tests replay it. Not part of CI: a search is no test.
"""

import argparse
import base64
import json
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

import atheris  # noqa: E402 - the paths come first

# What is looked into has to be loaded here and nowhere before; a dialect is when it is asked for.
with atheris.instrument_imports(include=["korproxy_addons", "fuzz"]):
    from fuzz.checks import IDS, NAMES, check, input_for

    for each in NAMES:
        check(input_for(each, b"{}"))

_FOLDERS = {
    "anthropic": IDS[2],
    "openai_chat": IDS[0],
    "openai_responses": IDS[1],
    "gemini": IDS[3],
}


def seeds() -> Iterator[bytes]:
    """Inputs to begin with: real requests and replies for each check that reads such."""
    root = HERE.parent.parent
    for path in sorted((root / "tests" / "corpus").glob("*/*/re*.*")):
        dialect_id, data = path.parent.parent.name, path.read_bytes()
        if path.name.startswith("request"):
            yield input_for(f"{dialect_id} request", data)
        else:
            yield from replies(dialect_id, data, streamed=path.suffix == ".sse")
    for path in sorted((root.parent / "shared" / "recordings").glob("*/*.json")):
        record = json.loads(path.read_bytes())
        dialect_id = _FOLDERS.get(record.get("dialect", ""), "")
        for part in ("request", "response"):
            data = body_of(record.get(part) or {})
            if dialect_id and data and len(data) < 20_000:
                if part == "request":
                    yield input_for(f"{dialect_id} request", data)
                else:
                    yield from replies(dialect_id, data, streamed=b"data:" in data[:2000])


def replies(dialect_id: str, data: bytes, *, streamed: bool) -> Iterator[bytes]:
    """One reply for each check that reads replies, and for each client."""
    form = "stream" if streamed else "whole"
    for client in range(4):
        yield input_for(f"{dialect_id} {form}", data, client | 0x60)
    yield input_for(f"{dialect_id} {form} tap", data, 20)
    yield input_for(f"{dialect_id} error", data)
    if streamed:
        yield input_for("sse", data, 3)


def body_of(part: dict[str, object]) -> bytes:
    """A recorded body, whichever way it was kept."""
    for name in ("body", "body_text", "text"):
        value = part.get(name)
        if isinstance(value, str):
            return value.encode()
        if value is not None:
            return json.dumps(value).encode()
    encoded = part.get("body_base64")
    return base64.b64decode(encoded) if isinstance(encoded, str) else b""


class Keeper:
    """Runs the checks, and keeps one input for each way to fail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[tuple[str, ...]] = set()

    def __call__(self, data: bytes) -> None:
        try:
            check(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            steps = traceback.extract_tb(error.__traceback__)
            places = [f"{Path(it.filename).name}:{it.lineno}" for it in steps]
            name = NAMES[data[0] % len(NAMES)]
            failure = (type(error).__name__, name, places[-1])
            if failure not in self._known:
                self._known.add(failure)
                self._folder.mkdir(exist_ok=True)
                found = self._folder / f"{name.replace(' ', '-')}-{len(self._known)}"
                found.write_bytes(data)
                sys.stdout.write(f"FOUND {found.name}: {error!r} at {' '.join(places)}\n")
                sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument(
        "--folder", help="where inputs that reached new code are kept; else nowhere"
    )
    given, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as made:
        for number, data in enumerate(seeds()):
            (Path(made) / f"seed-{number}").write_bytes(data)
        folders = [given.folder, made] if given.folder else [made]
        options = [
            f"-max_total_time={given.seconds}",
            "-timeout=20",
            "-max_len=20000",
            "-rss_limit_mb=3000",
        ]
        keeper = Keeper(Path("found"))
        atheris.Setup([sys.argv[0], *options, *rest, *folders], keeper)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
