"""The same as an Excel file: the table with its rates, as the office takes it to a meeting.

Office Open XML by openpyxl. Texts that a spreadsheet would take for a formula stay texts.
"""

from __future__ import annotations

from io import BytesIO

from yilian.analytics.referrals.figures import FIGURES, Line, Table

BY = {"institution": "机构", "specialty": "诊疗科目", "disease": "疾病", "month": "月份", "direction": "方向", "priority": "紧急程度"}
SIDES = {"sent": "转出", "received": "接收", "consortium": "医联体"}
RATES = {
    # zh           (part, of)
    "按时应答率": ("in-time", "sent"),
    "同意率": ("accepted", "answered"),
    "到诊率": ("arrived", "accepted"),
    "爽约率": ("missed", "accepted"),
    "回转率": ("returned", "completed"),
}
CONTENT_TYPE = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(table: Table, institution: str) -> bytes:
    """The file. institution: whose numbers these are."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    asked = table.asked
    sheet.title = "转诊统计"
    side = SIDES[asked.side]
    sheet.append([f"{institution} 转诊统计({side}) {asked.since.isoformat()} 至 {asked.until.isoformat()}"])
    sheet["A1"].font = Font(bold=True, size=14)
    heads = [BY[asked.by], "代码", *(one.zh for one in FIGURES.values()), *RATES, "应答中位时长(小时)", "上年同期", "同比"]
    sheet.append(heads)
    for cell in sheet[2]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for line in [*table.lines, table.whole]:
        sheet.append(_row(line))
        at = sheet.max_row
        for place in (1, 2):  # never a formula, whatever somebody called a department
            sheet.cell(at, place).data_type = "s"
        for place in [*range(3 + len(FIGURES), 3 + len(FIGURES) + len(RATES)), len(heads)]:
            sheet.cell(at, place).number_format = "0.0%"
    for cell in sheet[sheet.max_row]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "B3"
    sheet.column_dimensions["A"].width = 30
    for place in range(2, len(heads) + 1):
        sheet.column_dimensions[get_column_letter(place)].width = 11
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def _row(line: Line) -> list[str | int | float | None]:
    numbers = line.numbers
    rates = [numbers[part] / numbers[of] if numbers[of] else None for part, of in RATES.values()]
    median = None if line.median is None else round(line.median.total_seconds() / 3600, 1)
    growth = (numbers["sent"] - line.before) / line.before if line.before else None
    return [line.zh, line.code, *numbers.values(), *rates, median, line.before, growth]
