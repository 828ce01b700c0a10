"""Lists taken into the directory: tried row by row, kept as a whole or not at all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from tests.directory.region import DIRECTORY
from yilian.command.directory_arguments import KINDS as KINDS_OF_COMMAND
from yilian.db import Database
from yilian.directory import equipment, importing, offers, sheets
from yilian.directory.importing import Told
from yilian.errors import BadRequest, Forbidden
from yilian.fhir.definitions import type_id
from yilian.store.scope import SYSTEM, Scope

TOWN, FIRST = "510000000000000000TOWN", "51000000000000000FIRST"
INSTITUTIONS = f"""机构代码*,机构名称*,级别*,上级机构代码,地址,电话,纬度,经度
{FIRST},市第一医院,city,,人民路 1 号,0819-1,31.42,106.11
{TOWN},青石镇卫生院,乡镇卫生院,,,0819-2,31.61,106.28
"""
SERVICES = f"""机构代码,诊疗科目,服务名称,接收转诊,须审批,可直接预约,须附资料
{FIRST},03.04,心内科,up;lateral,否,是,ecg;laboratory
{TOWN},内科,内科门诊,down,,,
"""
PEOPLE = f"""人员编号,姓名,性别,职称,机构代码,岗位,诊疗科目,执业方式,开始日期,结束日期
51001,周明,男,主任医师,{FIRST},consultant,03.04,main,2024-01-01,
51001,周明,男,主任医师,{TOWN},专科医师,03.04,多点执业,2024-03-01,2026-12-31
"""
EQUIPMENT = f"机构代码,资产编号,设备名称,设备类别,对外开放\n{FIRST},SB-1,64 排 CT,CT,是\n"


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, DIRECTORY)
    await database.open()
    yield database
    await database.close()


async def take(db: Database, kind: str, text: str, *, apply: bool = True, scope: Scope = SYSTEM) -> list[Told]:
    return await importing.carry_out(db, scope, sheets.read(text.encode(), kind), apply=apply)


async def number(db: Database, table: str) -> int:
    async with db.reading() as tx:
        return int(await tx.fetchval(f"select count(*) from {table}"))


async def test_lists_are_taken_in_and_the_same_again_changes_nothing(db: Database) -> None:
    for kind, text in (("institutions", INSTITUTIONS), ("services", SERVICES), ("people", PEOPLE), ("equipment", EQUIPMENT)):
        assert {one.what for one in await take(db, kind, text)} == {"created"}, kind
        assert {one.what for one in await take(db, kind, text)} == {"unchanged"}, kind
    async with db.reading() as tx:
        first = await tx.fetchval("select rid from institution where tier = 'city'")
        settings = await offers.of_receiver(tx, first, "03.04")
        assert settings == offers.Settings(("up", "lateral"), False, True, ("ecg", "laboratory"))
        assert await tx.fetchval("select count(*) from institution_site") == 2
        assert await tx.fetchval("select count(distinct practitioner) from position") == 1
        assert await tx.fetchval("select count(*) from position where main") == 1
        [machine], _ = await equipment.catalogue(tx, kind="ct")
        assert (machine.name, machine.shared, machine.institution) == ("64 排 CT", True, "市第一医院")


async def test_a_trial_keeps_nothing(db: Database) -> None:
    assert [one.what for one in await take(db, "institutions", INSTITUTIONS, apply=False)] == ["created", "created"]
    assert await number(db, "institution") == 0
    assert await number(db, "resource") == 0


async def test_one_row_that_is_refused_keeps_all_of_them_out_and_says_which_and_why(db: Database) -> None:
    bad = (
        INSTITUTIONS
        + f"{FIRST[:-1]}X,无级别医院,月球,,,,,\n{FIRST[:-1]}Y,无上级,village,999,,,,\n{FIRST[:-1]}Z,极地,county,,,,99,1\n,,county,,,,,\n"
    )
    told = await take(db, "institutions", bad)
    assert [(one.number, one.what) for one in told] == [
        (2, "created"), (3, "created"), (4, "refused"), (5, "refused"), (6, "refused"), (7, "refused"),
    ]  # fmt: skip
    assert "级别应为" in told[2].zh
    assert "没有机构代码 999" in told[3].zh
    assert "纬度" in told[4].zh
    assert "不能为空" in told[5].zh
    assert await number(db, "resource") == 0


async def test_what_the_directory_forbids_is_told_of_its_row(db: Database) -> None:
    await take(db, "institutions", INSTITUTIONS)
    two = PEOPLE.replace("多点执业", "main")
    told = await take(db, "people", two)
    assert [one.what for one in told] == ["created", "refused"]
    assert "主要执业机构" in told[1].zh
    assert await number(db, "position") == 0


async def test_an_empty_cell_leaves_what_there_is(db: Database) -> None:
    await take(db, "institutions", INSTITUTIONS)
    await take(db, "services", SERVICES)
    told = await take(db, "services", f"机构代码,诊疗科目,须审批\n{FIRST},03.04,是\n")
    assert [one.what for one in told] == ["changed"]
    async with db.reading() as tx:
        first = await tx.fetchval("select rid from institution where tier = 'city'")
        settings = await offers.of_receiver(tx, first, "03.04")
    assert settings == offers.Settings(("up", "lateral"), True, True, ("ecg", "laboratory"))


async def test_only_keepers_of_the_directory_take_lists_in(db: Database) -> None:
    gp = Scope("grounds", "gp", "Practitioner/gp", "某", frozenset({"gp"}))
    with pytest.raises(Forbidden):
        await take(db, "institutions", INSTITUTIONS, scope=gp)
    office = Scope("grounds", "office", "Practitioner/o", "某", frozenset({"office"}))
    assert {one.what for one in await take(db, "institutions", INSTITUTIONS, scope=office)} == {"created"}
    assert {one.what for one in await take(db, "equipment", EQUIPMENT, scope=office)} == {"created"}
    async with db.reading() as tx:
        device = await tx.fetchrow("select confined from resource where type = $1", type_id("Device"))
    assert device is not None
    assert device["confined"] is None


def test_the_template_is_read_as_it_was_made() -> None:
    made = sheets.template()
    rows = sheets.read(made)
    assert [row.kind for row in rows] == list(sheets.KINDS)
    assert list(KINDS_OF_COMMAND) == list(sheets.KINDS)
    assert load_workbook(io.BytesIO(made)).sheetnames == [kind.title for kind in sheets.KINDS.values()]


def test_files_as_people_save_them_are_read() -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        [first, _] = sheets.read(INSTITUTIONS.encode(encoding), "institutions")
        assert (first.number, first.values["name"]) == (2, "市第一医院")
    book = Workbook()
    sheet: Any = book.worksheets[0]
    sheet.title = "设备"
    sheet.append(["机构代码", "资产编号", "设备名称", "设备类别"])
    sheet.append([1234, 7.0, "CT", "ct"])
    kept = io.BytesIO()
    book.save(kept)
    [row] = sheets.read(kept.getvalue())
    assert (row.values["institution"], row.values["asset"]) == ("1234", "7")


def bomb() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (sheets.MOST_BYTES + 1))
    return kept.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "people"),
        (b"\xff\xfe\x00\x01", "people"),
        (INSTITUTIONS.encode(), "moons"),
        (INSTITUTIONS.encode(), "people"),
        (INSTITUTIONS.splitlines()[0].encode(), "institutions"),
        (("机构代码,机构名称,级别\n" + "1,a,county\n" * (sheets.MOST_ROWS + 1)).encode(), "institutions"),
        (b"PK\x03\x04 no archive", ""),
        (bomb(), ""),
        (f"机构代码,机构名称,级别\n1,{'长' * 600},county\n".encode(), "institutions"),
    ],
)
def test_files_that_cannot_be_lists_are_refused(content: bytes, kind: str) -> None:
    with pytest.raises(BadRequest):
        sheets.read(content, kind)
