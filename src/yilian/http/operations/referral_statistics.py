"""Task/$referral-statistics and Task/$referrals: referrals counted, as a report or an Excel file, and the ones behind each number."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from yilian.analytics.referrals.asked import FILTERS, Asked, read
from yilian.analytics.referrals.consortium import led_by
from yilian.analytics.referrals.figures import FIGURES, LINES, table
from yilian.analytics.referrals.listing import listing
from yilian.analytics.referrals.report import report
from yilian.analytics.referrals.workbook import CONTENT_TYPE, workbook
from yilian.audit.record import note_read
from yilian.directory.institutions import institution
from yilian.errors import BadRequest, NotFound
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import query_words
from yilian.http.request import Request
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

COMMON = ("side", "since", "until", *FILTERS)
MOST = 200
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


async def statistics(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$referral-statistics?side=sent|received|consortium&since=&until=&by=institution|specialty|disease|month|…&_as=xlsx"""
    words = query_words(request, (*COMMON, "by", "_as"))
    by = words.get("by", "institution")
    if by not in LINES:
        raise BadRequest(f"by is one of {', '.join(LINES)}.", expression="by", zh="请选择统计维度。")
    if words.get("_as", "json") not in ("json", "xlsx"):
        raise BadRequest("_as is json or xlsx.", expression="_as", zh="导出格式只能是 xlsx。")
    async with house.db.transaction() as tx:
        asked = replace(await _asked(tx, house, asker, words), by=by)
        found = await table(tx, asker, asked)
        now = tx.now
    query = link("", "Task/$referral-statistics", plain(request.query))[1:]
    await note_read(house.reads, asker, [], "referral-statistics", request.address, query=query, kind="Task")
    if words.get("_as") != "xlsx":
        return of_json(report(found, now))
    name = f"referrals-{asked.since.isoformat()}-{asked.until.isoformat()}.xlsx"
    headers = [(b"content-disposition", f'attachment; filename="{name}"'.encode()), (b"cache-control", b"private, no-store")]
    return Answer(200, workbook(found, asker.institution_name or "全区域"), headers, CONTENT_TYPE)


async def referrals(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$referrals?side=&since=&until=&figure=sent|arrived|missed…: the ones a number counts, newest first."""
    words = query_words(request, (*COMMON, "figure", "_count", "_cursor"))
    figure, count = words.get("figure", "sent"), words.get("_count", "50")
    if figure not in FIGURES:
        raise BadRequest(f"figure is one of {', '.join(FIGURES)}.", expression="figure", zh="没有这项统计指标。")
    if not count.isdigit() or not 1 <= int(count) <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
    async with house.db.transaction() as tx:
        asked = await _asked(tx, house, asker, words)
        page = await listing(tx, asker, asked, figure, count=int(count), cursor=words.get("_cursor"))
        now = tx.now
    query = link("", "Task/$referrals", plain(request.query))[1:]
    await note_read(house.reads, asker, [*page.matches, *page.included], "referrals", request.address, query=query)
    return of_page(request, page, now)


async def _asked(tx: Tx, house: House, asker: Scope, words: dict[str, str]) -> Asked:
    today = tx.now.astimezone(house.zone).date()
    asked = read(words, house.zone, today)
    if asked.side == "consortium":
        if words.get("institution") or words.get("by") == "disease":
            raise BadRequest(
                "The numbers of a consortium are not told by disease or for one institution.", zh="医联体统计不按疾病或单个机构细分。"
            )
        return replace(asked, members=await led_by(tx, asker, today))
    if not (id := words.get("institution", "")):
        return asked
    other = await institution(tx, id) if _ID.fullmatch(id) else None
    if other is None:
        raise NotFound(f"There is no Organization/{id[:64]}.", expression="institution", zh="没有这个机构。")
    return replace(asked, institution=other.rid)


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation(
        "Task",
        "type",
        "referral-statistics",
        statistics,
        False,
        "Referrals counted, with what became of them",
        OURS + "referral-statistics",
    ),
    Operation("Task", "type", "referrals", referrals, False, "The referrals behind a number", OURS + "referrals"),
)
