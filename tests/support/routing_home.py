"""A KorProxy folder with accounts, groups, profiles and comments, for tests of what edits it."""

from pathlib import Path

ROUTING = """\
# mine
version: 1
accounts:
  - {id: a, provider: claude, secret: "env:A"}   # the first
  - {id: b, provider: qwen, secret: "env:B"}
groups:
  # for small things
  - id: cheap
    name: Small change
    accounts: [b]
    strategy: round-robin
profiles:
  - id: work
    name: Day job
    group: [cheap, default]
    rules:
      # titles
      - name: small
        when: {kind: background}
        group: cheap
      - name: big   # all the rest
        model: claude-opus-5-5
        group: [cheap, default]
        parameters: {effort: low}
active_profile: work
"""


def routing_home(folder: Path, text: str = ROUTING) -> Path:
    """The folder, made, with this configuration."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return folder


def comments(home: Path) -> list[str]:
    """Every comment of the configuration, in their order."""
    lines = (home / "config.yaml").read_text(encoding="utf-8").splitlines()
    return [line.partition("# ")[2] for line in lines if "# " in line]


COMMENTS = ["mine", "the first", "for small things", "titles", "all the rest"]
