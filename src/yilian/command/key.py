"""`yilian key …`: the master key, the data keys it wraps, and what is sealed with them."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from yilian.command import house
from yilian.config import Settings
from yilian.db import Database, Tx
from yilian.sealing import master as masters
from yilian.sealing.suites import SUITES
from yilian.store import data_keys, resealing
from yilian.store.resealing import Run

KEEP_IT = "Keep a copy where no backup of the database lies: whoever loses it loses every number that is sealed and all sign-ins."


def new(settings: Settings) -> int:
    """Make a master key where there is none; 1 when there is one, which stays as it is."""
    file = settings.key_path
    if not masters.make(file):
        print(f"There is a master key in {file} already; it stays as it is. To change it, see `yilian key rewrap`.")
        return 1
    print(f"A master key is in {file}, for its owner alone. {KEEP_IT}")
    return 0


def show(settings: Settings) -> int:
    """List the data keys."""

    async def look(db: Database) -> list[data_keys.Entry]:
        async with db.reading() as tx:
            return list(await data_keys.listed(tx))

    for one in house.carried_out(settings, "yilian key", look):
        retired = f", retired {one.retired:%Y-%m-%d %H:%M}Z" if one.retired is not None else ""
        print(f"{one.id}  {one.purpose:<7} {one.state:<9} {SUITES[one.suite].words}  made {one.created:%Y-%m-%d %H:%M}Z{retired}")
    return 0


def status(settings: Settings) -> int:
    """How much stands under each key, and what is not sealed yet: 1 while there is any."""

    async def look(db: Database) -> tuple[list[data_keys.Entry], dict[str, int], Run | None]:
        async with db.transaction() as tx:
            return list(await data_keys.listed(tx)), await resealing.counts(tx), await resealing.open_run(tx)

    keys, counted, run = house.carried_out(settings, "yilian key", look)
    for one in keys:
        if one.purpose != "trail":
            print(f"{one.id}  {one.purpose:<7} {one.state:<9} {one.suite:<4} {counted[one.id]} values")
    print(f"not sealed: {counted['']}")
    if run is not None:
        print(f"Run {run.id} is {run.state}: pass {run.pass_}, {run.done} of {run.total or '?'} resources.")
    elif counted[""]:
        print("Seal it with `yilian key seal`.")
    return 1 if counted[""] else 0


def rotate(settings: Settings, suite: str | None, *, here: bool) -> int:
    """New data keys; everything is brought over to them by the servers' jobs, or `here`, in this process."""
    return _run(settings, suite, rotating=True, here=here)


def seal(settings: Settings, *, here: bool) -> int:
    """Seal whatever was never sealed, by the servers' jobs or `here`."""
    return _run(settings, None, rotating=False, here=here)


def _run(settings: Settings, suite: str | None, *, rotating: bool, here: bool) -> int:
    async def work(db: Database) -> int:
        async with db.transaction() as tx:
            run = await (resealing.rotate(tx, suite) if rotating else resealing.seal(tx))
        if here:
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
            with Progress(*columns, console=Console(stderr=True)) as progress:
                bar = progress.add_task("until every server knows the keys", total=None)

                async def watch(_: Tx, run: Run) -> None:
                    what = f"pass {run.pass_}" if run.state == "running" else run.state
                    progress.update(bar, description=what, completed=run.done, total=run.total)

                await resealing.carry_out(db, watch)
        return run

    run = house.carried_out(settings, "yilian key", work)
    print(f"Run {run} is done." if here else f"Run {run}: servers and `yilian work` carry it out; `yilian key status` tells how far it is.")
    return 0


def rewrap(settings: Settings, file: Path) -> int:
    """Wrap the data keys with another master key; what is sealed stays as it is."""

    async def work(db: Database) -> int:
        async with db.transaction() as tx:
            return await data_keys.rewrap(tx, file)

    count = house.carried_out(settings, "yilian key", work)
    print(
        f"{count} keys are wrapped with the master key in {file}. Servers that run go on; before one is started again, put that file in the"
        f" place of {settings.key_path}. {KEEP_IT} Backups made before need the master key of then."
    )
    return 0


def fingerprint(settings: Settings, text: str) -> int:
    """What stands in the audit trail in place of a number or a telephone."""

    async def look(db: Database) -> str:
        return db.ring.fingerprint(text)

    print("~" + house.carried_out(settings, "yilian key", look))
    return 0
