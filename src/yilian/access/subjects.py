"""Who a token speaks of: an account or an application, and nothing is called like both.

The name of either is the `sub` of its tokens and stands in the trail. An application that may be called like a person could be taken for
that person by whoever looks at `sub` alone. RFC 9700 §4.15, https://www.rfc-editor.org/rfc/rfc9700#section-4.15
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from yilian.errors import Conflict

if TYPE_CHECKING:
    from yilian.db import Tx

HELD = "select pg_advisory_xact_lock(hashtext('yilian subject ' || lower($1)))"
TAKEN = {
    "account": "select exists (select from client where lower(id) = lower($1))",
    "application": "select exists (select from account where name = lower($1))",
}


async def require_its_own(tx: Tx, name: str, of: Literal["account", "application"]) -> None:
    """Conflict when something of the other sort is called so; held until the transaction ends, so that two who come at once do not miss
    each other."""
    await tx.execute(HELD, name)
    if await tx.fetchval(TAKEN[of], name):
        other = "application" if of == "account" else "account"
        zh = "应用标识" if of == "account" else "账号"
        raise Conflict(f"There is an {other} {name[:64]} already; choose another name.", zh=f"{zh} {name[:64]} 已存在,请换一个名称。")
