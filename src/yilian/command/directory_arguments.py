"""What `yilian directory` is called with. Nothing heavy is imported here: every command line is read with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yilian.config import Settings

KINDS = ("institutions", "departments", "people", "equipment", "services")


def add_to(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Puts it among the commands; `add` makes one action of it, as for the others."""
    says = "Lists of institutions, people, equipment and services."
    group = commands.add_parser("directory", help=says, description=says).add_subparsers(metavar="ACTION", required=True)
    take = add("import", "Try a CSV or Excel file, with a report row by row.", _import, group)
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--kind", choices=KINDS, default="", help="what a CSV is a list of")
    take.add_argument("--apply", action="store_true", help="keep it, if no row is refused")
    empty = add("template", "Write the Excel file to fill in.", _template, group)
    empty.add_argument("file", type=Path, metavar="FILE")


def _import(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.directory import take_in

    return take_in(settings, given.file, given.kind, apply=given.apply)


def _template(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.directory import template

    return template(settings, given.file)
