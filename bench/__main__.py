"""`python -m bench [NAME…]`: run measurements and print their tables."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.ground import Ground, Row, ground


def names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def by_default() -> list[str]:
    """Without those that take hours; they say so themselves, and are run when they are named."""
    return [name for name in names() if not getattr(importlib.import_module(f"bench.bench_{name}"), "BY_NAME_ONLY", False)]


def table(title: str, rows: Iterable[Row]) -> Table:
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("what", overflow="fold")
    for heading in ("figure", "beside", "ratio"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("beside is", overflow="fold")
    for row in rows:
        beside = f"{row.beside:,.4g} {row.unit}" if row.beside else ""
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        made.add_row(row.what, f"{row.figure:,.4g} {row.unit}", beside, ratio, row.beside_is)
    return made


def measure(name: str, on: Ground, console: Console) -> None:
    module = importlib.import_module(f"bench.bench_{name}")
    started = time.monotonic()
    rows = list(module.measure(on))
    console.print(table(f"{name}: {(module.__doc__ or '').strip().splitlines()[0]}", rows))
    console.print(f"({time.monotonic() - started:.0f} s)\n", style="dim", highlight=False)


def main(wanted: list[str]) -> int:
    console = Console(soft_wrap=False, width=max(100, Console().width))
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        console.print(f"There is no measurement {', '.join(unknown)}; there are: {', '.join(names())}.", style="red")
        return 2
    failed = 0
    with ground() as on:
        for name in wanted or by_default():
            try:
                measure(name, on, console)
            except Exception as error:  # one that cannot run shall not keep the others from it
                failed += 1
                console.print(f"{name}: could not be measured: {error}", style="red", markup=False)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
