"""An import carried out: files that were sent or are fetched go the way of `yilian load`; what was refused is told line by line.

The shape of the request follows the Bulk Data import proposal ("ping and pull"):
https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.access.asker import scope_again
from yilian.audit.note import by, write
from yilian.errors import BadRequest, Issue, NotSignedIn, Unavailable, YilianError
from yilian.exchange import load as loading
from yilian.exchange.batch import Refusal
from yilian.exchange.bulk import fetch, records
from yilian.exchange.bulk.ask import FORMATS
from yilian.exchange.bulk.records import Bulk, File
from yilian.exchange.sources import Source
from yilian.fhir.definitions import is_resource_type
from yilian.fhir.json import dump
from yilian.fhir.outcome import outcome
from yilian.jobs import GiveUp, Job, Stopped

if TYPE_CHECKING:
    from yilian.db import Database

Json = dict[str, Any]
MOST_FILES = 1000
SENT = "sent.ndjson"
"""How the file is called that came in the request itself."""
WATCH_S = 1.0

Beside = Callable[[str], loading.SideBySide]
"""Address of the store → how several processes load into it."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How long reports are kept, from which hosts files are fetched, how many bytes one may have, and how several processes load it."""

    keep: timedelta
    hosts: tuple[str, ...]
    most: int
    beside: Beside | None = None


def understood(manifest: Json, hosts: Sequence[str]) -> Json:
    """What is to be imported, of a manifest in JSON or as Parameters: {"source": …, "input": [{"type", "url"}]}.

    BadRequest for what cannot be read, Forbidden for a host that is not listed.
    """
    plain = _of_parameters(manifest) if manifest.get("resourceType") == "Parameters" else manifest
    unknown = set(plain) - {"inputFormat", "inputSource", "input", "storageDetail"}
    if unknown:
        raise BadRequest(f"{sorted(unknown)[0][:60]!r} is not known in an import; inputFormat, inputSource and input are.")
    if plain.get("inputFormat", FORMATS[0]) not in FORMATS:
        raise BadRequest("inputFormat must be application/fhir+ndjson.", expression="inputFormat")
    detail = plain.get("storageDetail")
    if detail is not None and (not isinstance(detail, dict) or detail.get("type", "https") not in ("https", "http")):
        raise BadRequest("storageDetail.type must be https: files are fetched without further sign-in.", expression="storageDetail")
    given = plain.get("input")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_FILES:
        raise BadRequest(f"input must list 1 to {MOST_FILES} files, each with type and url.", expression="input")
    found = []
    for place, one in enumerate(given):
        kind, url = (one.get("type"), one.get("url")) if isinstance(one, dict) else (None, None)
        if not isinstance(url, str) or not is_resource_type(kind):
            raise BadRequest("Each input needs type, a resource type, and url.", expression=f"input[{place}]")
        fetch.allowed(url, hosts)
        found.append({"type": kind, "url": url})
    source = plain.get("inputSource", "")
    return {"source": source if isinstance(source, str) else "", "input": found}


def _of_parameters(parameters: Json) -> Json:
    found: Json = {"input": []}
    for one in parameters.get("parameter") or ():
        name = one.get("name") if isinstance(one, dict) else None
        parts = one.get("part") if isinstance(one, dict) else None
        if name in ("input", "storageDetail") and isinstance(parts, list):
            values = {part.get("name"): _value(part) for part in parts if isinstance(part, dict)}
            if name == "input":
                found["input"].append(values)
            else:
                found["storageDetail"] = values
        elif isinstance(name, str):
            found[name] = _value(one)
    return found


def _value(part: Json) -> Any:
    return next((value for key, value in part.items() if key.startswith("value")), None)


async def run(db: Database, bulk: Bulk, folder: Path, zone: tzinfo, taking: Taking, job: Job) -> None:
    """Carry an import out, or go on with it: what an earlier attempt fetched and stored is not fetched and stored again.

    Raises GiveUp when who asked may not any more, or a file is no longer allowed.
    """
    async with db.reading() as tx:
        try:
            scope = await scope_again(tx, bulk.asker)
        except NotSignedIn as error:
            raise GiveUp(str(error)) from error
        told = await records.files(tx, bulk.id)
    through = {file.source for file in told}
    done = sum(file.count for file in told if file.section == "output")
    for nth, one in enumerate(bulk.ask["input"], 1):
        if str(nth) in through or one["url"] in through:
            continue
        path = await _file(folder, nth, one, taking)
        source = Source(path, "", progress_key(bulk.id, nth), (await asyncio.to_thread(path.stat)).st_size)
        report = await _loaded(db, source, zone, scope, job, done, taking.beside)
        done += report.stored + report.before
        refused = [dump(_outcome(refusal)) for refusal in report.refused]
        name = f"refused-{nth}.ndjson"
        bytes_ = await asyncio.to_thread(_write, folder / name, refused)
        async with db.transaction() as tx:
            first = len(told) + 1
            shown = one["url"] or str(nth)
            told.append(File(first, "output", one["type"] or "Resource", f"stored-{nth}.txt", report.stored + report.before, 0, shown))
            await records.add_file(tx, bulk.id, told[-1])
            if refused:
                told.append(File(first + 1, "error", "OperationOutcome", name, len(refused), bytes_, shown))
                await records.add_file(tx, bulk.id, told[-1])
            await jobs.note(tx, job, done=done)
    async with db.transaction() as tx:
        said = f"{bulk.request} → {done} stored, {sum(file.count for file in told if file.section == 'error')} refused"
        await write(tx, [by(scope, tx.now, "operation", "E", operation="import", query=said)])
        await tx.execute("delete from load_progress where source = any($1::text[])", progress_rows(bulk))
        await records.finish(tx, bulk.id, "done", keep=taking.keep, job=job)


def progress_key(id: str, nth: int) -> str:
    """What `load` notes the progress of one file under: this import's own, so that the same file may be imported again later."""
    return f"bulk {id} {nth}"


def progress_rows(bulk: Bulk) -> list[str]:
    """`load_progress.source` of all files of an import."""
    return [f"{progress_key(bulk.id, nth)}::" for nth in range(1, len(bulk.ask["input"]) + 1)]


async def _file(folder: Path, nth: int, one: Json, taking: Taking) -> Path:
    if not one["url"]:
        return folder / SENT
    path = folder / f"input-{nth}.ndjson"
    if not await asyncio.to_thread(path.is_file):
        try:
            fetch.allowed(one["url"], taking.hosts)
            await asyncio.to_thread(fetch.fetch, one["url"], path, taking.most)
        except Unavailable:
            raise
        except YilianError as error:
            raise GiveUp(str(error)) from error
    return path


async def _loaded(db: Database, source: Source, zone: tzinfo, scope: Any, job: Job, before: int, beside: Beside | None) -> loading.Report:
    """Load one file, saying how far it is; stopped with the job."""
    count = 0

    def watch(dealt_with: int, share: float) -> None:
        nonlocal count
        count = dealt_with

    others = beside(db.dsn) if beside is not None else None
    task = asyncio.create_task(loading.load(db, [source], None, zone, watch, others, scope=scope))
    try:
        while not task.done():
            await asyncio.wait([task], timeout=WATCH_S)
            async with db.transaction() as tx:
                await jobs.note(tx, job, done=before + count)
    except (Stopped, asyncio.CancelledError):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    return task.result()


def _outcome(refusal: Refusal) -> Json:
    return outcome([Issue("error", "processing", f"line {refusal.line}: {reason}") for reason in refusal.reasons])


def _write(path: Path, lines: Sequence[bytes]) -> int:
    if not lines:
        return 0
    return path.write_bytes(b"".join(line + b"\n" for line in lines))
