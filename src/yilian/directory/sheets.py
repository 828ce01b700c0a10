"""Lists of institutions, departments, people, equipment and services as people keep them: CSV or Excel, a heading row and one row for each.

CSV is one kind of list, in UTF-8 (with or without a mark) or GB 18030; a workbook has a sheet for each kind, named by its title. What a
heading must be is in `KINDS`; * marks what may not be left empty. Workbooks are read without formulas, and no larger than `MOST_BYTES` once
unpacked. openpyxl is loaded when a workbook is made or read: most servers and commands never do.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from yilian.errors import BadRequest

MOST_ROWS = 2000
MOST_BYTES = 40 * 1024 * 1024
LONGEST_CELL = 500
ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Column:
    """title: the heading; example: what the template shows."""

    name: str
    title: str
    example: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """title: of the sheet; columns in their order."""

    title: str
    columns: tuple[Column, ...]


CODE = Column("institution", "机构代码", "510000000000000000000A", True)
KINDS: Mapping[str, Kind] = {
    "institutions": Kind(
        "机构",
        (
            CODE,
            Column("name", "机构名称", "某某镇卫生院", True),
            Column("short", "简称", "某某卫生院"),
            Column("tier", "级别", "township", True),
            Column("above", "上级机构代码", ""),
            Column("district", "区县", "某某县"),
            Column("address", "地址", "某某省某某市某某县某某镇 1 号"),
            Column("phone", "电话", "0000-0000000"),
            Column("latitude", "纬度", "31.42"),
            Column("longitude", "经度", "106.11"),
            Column("active", "在用", "是"),
        ),
    ),
    "departments": Kind(
        "科室",
        (
            CODE,
            Column("department", "科室代码", "NK01", True),
            Column("name", "科室名称", "内科一病区", True),
            Column("phone", "电话", ""),
            Column("active", "在用", "是"),
        ),
    ),
    "people": Kind(
        "人员",
        (
            Column("number", "人员编号", "51000000000001", True),
            Column("name", "姓名", "张三", True),
            Column("sex", "性别", "女"),
            Column("title", "职称", "主治医师"),
            CODE,
            Column("post", "岗位", "physician", True),
            Column("specialty", "诊疗科目", "03.04"),
            Column("kind", "执业方式", "main"),
            Column("since", "开始日期", "2024-01-01"),
            Column("until", "结束日期", ""),
        ),
    ),
    "equipment": Kind(
        "设备",
        (
            CODE,
            Column("asset", "资产编号", "SB-0001", True),
            Column("name", "设备名称", "64 排 CT", True),
            Column("kind", "设备类别", "ct", True),
            Column("maker", "厂家", ""),
            Column("model", "型号", ""),
            Column("shared", "对外开放", "是"),
            Column("active", "在用", "是"),
        ),
    ),
    "services": Kind(
        "服务",
        (
            CODE,
            Column("specialty", "诊疗科目", "03.04", True),
            Column("name", "服务名称", "心血管内科门诊"),
            Column("phone", "电话", ""),
            Column("accepts", "接收转诊", "up;lateral"),
            Column("approval", "须审批", "否"),
            Column("direct", "可直接预约", "否"),
            Column("attachments", "须附资料", "ecg;laboratory"),
            Column("active", "在用", "是"),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """number: as the person who wrote the list counts, the heading is 1; values by the name of the column, "" for none."""

    kind: str
    number: int
    values: Mapping[str, str]


def read(content: bytes, kind: str = "") -> list[Row]:
    """Every row that is not empty, kinds in the order of `KINDS`. kind: what a CSV is a list of.

    BadRequest for what is neither, a heading that is missing or not known, a cell or a file that is too large.
    """
    if not content:
        raise BadRequest("The file is empty.", zh="文件是空的。")
    tables = _workbook(content) if content.startswith(ZIP) else [(_kind(kind), _csv(content))]
    rows = [row for name, cells in sorted(tables, key=lambda one: list(KINDS).index(one[0])) for row in _rows(name, cells)]
    if not rows:
        raise BadRequest("There is no row below the heading.", zh="表头下没有数据。")
    if len(rows) > MOST_ROWS:
        raise BadRequest(f"A file has at most {MOST_ROWS} rows; divide it.", zh=f"一个文件最多 {MOST_ROWS} 行，请拆分后导入。")
    return rows


def template() -> bytes:
    """A workbook with a sheet for each kind, its headings and an example."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.worksheets[0])
    for kind in KINDS.values():
        sheet = book.create_sheet(kind.title)
        sheet.append([_heading(column) for column in kind.columns])
        sheet.append([column.example for column in kind.columns])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for cells in sheet.columns:
            sheet.column_dimensions[cells[0].column_letter].width = 18
            for cell in cells:
                cell.number_format = "@"  # text: codes keep their zeros
        sheet.freeze_panes = "A2"
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _heading(column: Column) -> str:
    return f"{column.title}*" if column.needed else column.title


def _kind(name: str) -> str:
    if name not in KINDS:
        raise BadRequest(f"kind says what a CSV is a list of: {', '.join(KINDS)}.", expression="kind", zh="请选择导入的类别。")
    return name


def _csv(content: bytes) -> Iterator[Sequence[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        try:
            return iter(list(csv.reader(io.StringIO(text, newline=""), strict=True)))
        except csv.Error as error:
            raise BadRequest(f"The CSV cannot be read: {error}.", zh="无法读取 CSV 文件，请检查引号。") from None
    raise BadRequest("The file is neither CSV (UTF-8 or GB 18030) nor an Excel workbook (.xlsx).", zh="只支持 CSV 和 Excel（.xlsx）文件。")


def _workbook(content: bytes) -> list[tuple[str, Iterator[Sequence[str]]]]:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    wrong = BadRequest("This is no Excel workbook (.xlsx), or a damaged one.", zh="无法读取 Excel 文件。")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > MOST_BYTES:
                raise BadRequest("The workbook is too large once unpacked.", zh="Excel 文件过大，请拆分后导入。")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        by_title = {kind.title: name for name, kind in KINDS.items()}
        found: list[tuple[str, Iterator[Sequence[str]]]] = []
        for sheet in book.worksheets:
            if sheet.title.strip() not in by_title:
                raise BadRequest(
                    f"The sheet {sheet.title[:40]!r} is none of {', '.join(by_title)}.",
                    zh=f"工作表“{sheet.title[:40]}”的名称应为：{'、'.join(by_title)}。",
                )
            cells = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 2)]
            found.append((by_title[sheet.title.strip()], iter(cells)))
    except (zipfile.BadZipFile, InvalidFileException, DefusedXmlException, ParseError, KeyError, ValueError, TypeError, OSError):
        raise wrong from None
    return found


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _rows(name: str, cells: Iterator[Sequence[str]]) -> Iterator[Row]:
    kind = KINDS[name]
    by_title = {column.title: column for column in kind.columns}
    titles = [title.strip().removesuffix("*").strip() for title in next(cells, ())]
    while titles and not titles[-1]:
        titles.pop()
    strange = [title for title in titles if title not in by_title]
    missing = [column.title for column in kind.columns if column.needed and column.title not in titles]
    if strange or missing or len(set(titles)) != len(titles):
        raise BadRequest(
            f"{name}: the headings are {', '.join(by_title)}; missing: {', '.join(missing) or 'none'};"
            f" not known: {', '.join(strange)[:200] or 'none'}.",
            zh=f"“{kind.title}”的表头不正确，缺少：{'、'.join(missing) or '无'}；多余：{'、'.join(strange)[:100] or '无'}。",
        )
    for number, row in enumerate(cells, 2):
        values = {by_title[title].name: value.strip() for title, value in zip(titles, row, strict=False)}
        if any(len(value) > LONGEST_CELL for value in values.values()):
            raise BadRequest(f"{name}, row {number}: a cell is too long.", zh=f"“{kind.title}”第 {number} 行有内容过长。")
        if any(values.values()):
            yield Row(name, number, {column.name: values.get(column.name, "") for column in kind.columns})
