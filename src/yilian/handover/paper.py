"""A frozen document on A4: its own words, and of the Patient's record of today only the numbers a paper is filed by."""

from __future__ import annotations

import asyncio
import re
import threading
from functools import cache
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno
import typst

from yilian import fonts
from yilian.fhir import json, urls
from yilian.fhir.dates import region_zone
from yilian.handover.document import KINDS, composition
from yilian.handover.frozen import Kept
from yilian.store import read
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

TEMPLATES = Path(__file__).with_name("templates")
SEXES = {"male": "男", "female": "女", "other": "未说明", "unknown": "未知"}
_one_at_a_time = threading.Lock()


async def paper(tx: Tx, scope: Scope, kept: Kept) -> bytes:
    """The PDF of a document. Reads the Patient within the asker's scope; one who may not see it reads the paper without numbers."""
    said = composition(kept.content)
    entries = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["resource"] for e in kept.content["entry"]}
    patient = entries[said["subject"]["reference"]]
    found = await read.many(tx, scope, [("Patient", patient["id"])])
    known: Resource = json.parse(found["Patient", patient["id"]].body) if found else {}
    numbers = {i.get("system", ""): str(i.get("value", "")) for i in known.get("identifier", [])}
    data = {
        "title": KINDS[kept.kind].zh,
        "number": said["title"].split()[-1],
        "name": said["subject"].get("display", ""),
        "sex": SEXES.get(patient.get("gender", ""), ""),
        "born": patient.get("birthDate", ""),
        "file-number": numbers.get(urls.HEALTH_FILE, ""),
        "phone": next((t.get("value", "") for t in known.get("telecom", []) if t.get("system") == "phone"), ""),
        "route": _words(said["text"]["div"])[-1],
        "author": said["author"][0].get("display", ""),
        "institution": said["custodian"].get("display", ""),
        "made": kept.made_at.astimezone(region_zone()).strftime("%Y-%m-%d %H:%M"),
        "printed": tx.now.astimezone(region_zone()).strftime("%Y-%m-%d %H:%M"),
        "printer": scope.name,
        "hash": kept.sha256,
        "qr": segno.make(f"yilian:document:{kept.reference}:{kept.sha256[:16]}", error="m").svg_inline(border=1),
        "sections": [{"title": one["title"], "lines": _words(one["text"]["div"])} for one in said["section"]],
    }
    return await asyncio.to_thread(_typeset, json.dump(data).decode())


def _words(div: str) -> list[str]:
    """The paragraphs of a narrative of ours."""
    return [unescape(found) for found in re.findall(r"<p>(.*?)</p>", div, re.DOTALL)]


@cache
def _compiler() -> typst.Compiler:
    """Kept: reading the typeface takes a hundred times as long as setting a page."""
    paths = [str(folder) for folder in fonts.cjk_font_paths()]
    return typst.Compiler(str(TEMPLATES / "document.typ"), root=str(TEMPLATES), font_paths=paths, ignore_system_fonts=True)


def _typeset(data: str) -> bytes:
    with _one_at_a_time:
        made = _compiler().compile(format="pdf", sys_inputs={"data": data})
    assert isinstance(made, bytes)
    return made
