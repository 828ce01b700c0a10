"""`yilian directory`: lists taken into the directory, and the workbook to fill in."""

from __future__ import annotations

import sys
from pathlib import Path

import uvloop

from yilian.command import house
from yilian.config import Settings
from yilian.directory import importing, sheets
from yilian.directory.importing import Told
from yilian.errors import BadRequest
from yilian.store.scope import SYSTEM

WORDS = {"created": "新增", "changed": "更新", "unchanged": "不变", "refused": "未通过"}


def take_in(settings: Settings, file: Path, kind: str, *, apply: bool) -> int:
    """Try a CSV or workbook and print a line for each row; kept with `apply` where none is refused. 1 where one was. Raises BadRequest."""
    if not file.is_file():
        raise BadRequest(f"{file} is no file.")
    rows = sheets.read(file.read_bytes(), kind)
    with house.address(settings, alone=False, purpose="yilian directory") as dsn:
        told = uvloop.run(_carry_out(settings, dsn, rows, apply=apply))
    for one in told:
        print(f"{sheets.KINDS[one.kind].title} {one.number}\t{WORDS[one.what]}\t{one.name}\t{one.zh}")
    refused = sum(one.what == "refused" for one in told)
    kept = apply and not refused
    said = "已导入" if kept else "未导入" if refused else "试运行通过，加 --apply 导入"
    print(f"{len(told)} 行，{refused} 行未通过；{said}。", file=sys.stderr)
    return 1 if refused else 0


async def _carry_out(settings: Settings, dsn: str, rows: list[sheets.Row], *, apply: bool) -> list[Told]:
    async with house.database(settings, dsn) as db:
        return await importing.carry_out(db, SYSTEM, rows, apply=apply)


def template(settings: Settings, file: Path) -> int:
    """Write the workbook. Raises BadRequest where the file is there already."""
    if file.exists():
        raise BadRequest(f"{file} is there already.")
    file.write_bytes(sheets.template())
    return 0
