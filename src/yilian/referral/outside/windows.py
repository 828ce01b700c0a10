"""转诊窗口: where an institution that is not on the platform is reached. The consortium office keeps it.

Such an institution is an Organization of the directory like any other, with a tier, and the extension `urls.OUTSIDE`; nobody has a post
there. Its addresses are no part of the Organization, which everybody reads: they stand sealed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.access.policy import require
from yilian.directory.institutions import Institution, by_rid, institution
from yilian.errors import Conflict, Forbidden, InvalidResource, Issue, NotFound
from yilian.fhir import json, urls
from yilian.notifications.addresses import is_mobile
from yilian.notifications.gateways import MAILBOX
from yilian.sealing.keyring import open_column
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write

if TYPE_CHECKING:
    from collections.abc import Collection

    from yilian.db import Tx

LONGEST_MAIL = 200
KEEPERS = frozenset({"office", "admin"})
_COLUMNS = {"email": "outside_window.email", "sms": "outside_window.sms"}


@dataclass(frozen=True, slots=True)
class Window:
    """A mailbox, a mobile telephone, or both; "" for none."""

    email: str = ""
    sms: str = ""

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """(channel, address): the link goes by the first, the code by the second where there is one."""
        return tuple((channel, to) for channel, to in (("email", self.email), ("sms", self.sms)) if to)


async def of(tx: Tx, institution_rid: int) -> Window | None:
    """The window of this institution (rid); None where none is kept."""
    row = await tx.fetchrow("select email, sms from outside_window where institution = $1", institution_rid)
    if row is None:
        return None
    opened = {
        name: open_column(column, institution_rid, row[name]).decode() if row[name] is not None else "" for name, column in _COLUMNS.items()
    }
    return Window(**opened)


async def look(tx: Tx, scope: Scope, id: str) -> tuple[Institution, Window | None]:
    """An institution and its window, for who keeps the directory. Raises Forbidden, NotFound."""
    _require_keeper(scope)
    found = await institution(tx, id)
    if found is None or found.reference != f"Organization/{id}":
        raise NotFound(f"There is no institution Organization/{id[:64]}.", zh="没有找到该机构。")
    return found, await of(tx, found.rid)


async def keep(tx: Tx, scope: Scope, id: str, window: Window, *, offered: Collection[str]) -> None:
    """Say that this institution is not on the platform and where its window is reached, in `tx`.

    offered: the channels this house has a gateway for. Raises Forbidden, NotFound, InvalidResource (no address, or none that is one; no
    tier; no way to send there), Conflict where somebody has an account with a post in it: then it is on the platform.
    """
    found, _ = await look(tx, scope, id)
    if faults := _faults(found, window, offered):
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    if await tx.fetchval("select exists (select from post where institution = $1)", found.reference):
        raise Conflict(
            f"{found.name} has accounts here: it is on the platform. Take their posts away first.",
            zh=f"{found.name}已有平台账号,属平台内机构;如确已退出,请先注销其岗位。",
            code="business-rule",
        )
    sealed = {
        name: tx.db.ring.seal_column(column, found.rid, to.encode()) if (to := getattr(window, name)) else None
        for name, column in _COLUMNS.items()
    }
    await tx.execute(
        """
        insert into outside_window (institution, email, sms, changed, changed_by) values ($1, $2, $3, $4, $5)
        on conflict (institution) do update set email = $2, sms = $3, changed = $4, changed_by = $5
        """,
        found.rid,
        sealed["email"],
        sealed["sms"],
        tx.now,
        scope.agent,
    )
    await _mark(tx, scope, id, outside=True)


async def give_up(tx: Tx, scope: Scope, id: str) -> None:
    """The institution has joined the platform: no window, no mark, in `tx`. Raises Forbidden, NotFound, Conflict while it has referrals
    that it answers by a link."""
    found, _ = await look(tx, scope, id)
    open_ones = await tx.fetchval(
        "select count(*) from outside_link l join referral f using (task_rid) where l.institution = $1 and f.closed_at is null", found.rid
    )
    if open_ones:
        raise Conflict(
            f"{found.name} answers {open_ones} open referrals by a link; close them, or send them elsewhere, first.",
            zh=f"{found.name}还有 {open_ones} 份转诊正在以链接办理,办结后才能改为平台内机构。",
            code="business-rule",
        )
    await tx.execute("delete from outside_window where institution = $1", found.rid)
    await _mark(tx, scope, id, outside=False)


async def _mark(tx: Tx, scope: Scope, id: str, *, outside: bool) -> None:
    stored = await read.by_id(tx, scope, "Organization", id)
    organization = json.parse(stored.body)
    others = [one for one in organization.get("extension", []) if one.get("url") != urls.OUTSIDE]
    marked = [*others, *([{"url": urls.OUTSIDE, "valueBoolean": True}] if outside else [])]
    if marked == organization.get("extension", []):
        return
    organization["extension"] = marked
    if not marked:
        del organization["extension"]
    await write(tx, scope, [Change("PUT", "Organization", id, organization, if_match=stored.version)])


def _faults(found: Institution, window: Window, offered: Collection[str]) -> list[Issue]:
    faults = []
    if not found.tier:
        faults.append(_fault("outside", f"{found.name} has no tier; give it one first.", "该机构未设层级,请先在目录中设置。"))
    if not window.ways:
        faults.append(_fault("email", "Give a mailbox or a mobile telephone of its referral window.", "请填写转诊窗口的邮箱或手机号。"))
    if window.email and (not MAILBOX.fullmatch(window.email) or len(window.email) > LONGEST_MAIL):
        faults.append(_fault("email", "That is no mailbox.", "邮箱格式不正确。"))
    if window.sms and not is_mobile(window.sms):
        faults.append(_fault("sms", "That is no mobile telephone of 11 digits.", "手机号应为 11 位。"))
    if window.ways and not any(channel in offered for channel, _ in window.ways):
        faults.append(
            _fault(
                "email",
                f"Nothing can be sent there: this platform has gateways for {', '.join(sorted(offered)) or 'nothing'}.",
                "平台未配置对应的邮件或短信网关,发不出去,请联系系统管理员。",
            )
        )
    return faults


def _fault(name: str, diagnostics: str, zh: str) -> Issue:
    return Issue("error", "business-rule", diagnostics, f"Parameters.parameter.where(name='{name}')", zh)


def _require_keeper(scope: Scope) -> None:
    require(scope, "write", "Organization")
    if scope.reach != "everything" and not scope.roles & KEEPERS:
        raise Forbidden("Referral windows are kept by the consortium office.", zh="转诊窗口由医联体办公室维护。")


async def reader_channel(tx: Tx, institution_rid: int) -> tuple[str, str] | None:
    """Where news for this institution goes: (channel, address); None for one on the platform, or without a window."""
    known = (await by_rid(tx, [institution_rid])).get(institution_rid)
    if known is None or not known.outside:
        return None
    window = await of(tx, institution_rid)
    return window.ways[0] if window is not None else None


__all__ = ["Window", "give_up", "keep", "look", "of", "reader_channel"]
