"""`korproxy metrics`: the numbers that Prometheus reads, and what it and Grafana need for that."""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from launcher.cli.account_test import KEY_VARIABLE
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("metrics")(metrics)


def metrics(
    grafana: Annotated[
        bool, typer.Option("--grafana", help="Print a dashboard for Grafana to import.")
    ] = False,
    scrape: Annotated[
        bool, typer.Option("--scrape", help="Print a configuration for Prometheus.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print the running gateway's metrics, as Prometheus reads them at /metrics."""
    from launcher.actions import metrics as actions

    if grafana and scrape:
        raise typer.BadParameter("one of --grafana and --scrape.")
    if grafana:
        # It is JSON already, and as such it is imported.
        sys.stdout.write(actions.dashboard())
        return
    if scrape:
        text = actions.scrape_example(folder_of(home))
        show({"prometheus.yml": text}, lambda _console: _write(text), as_json=as_json)
        return
    text = actions.page(folder_of(home), os.environ.get(KEY_VARIABLE))
    value = {"metrics": [asdict(it) for it in actions.families(text)]} if as_json else {}
    show(value, lambda _console: _write(text), as_json=as_json)


def _write(text: str) -> None:
    # Byte for byte: a terminal's width must not break what a program is to read.
    sys.stdout.write(text)
