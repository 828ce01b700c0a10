"""Looking after other people's accounts: who may, whose, and what.

`policy.toml` says which posts a post may give (`gives`). Who holds one in an institution looks after that institution's accounts, without
an institution after all of them; nobody gives a post that is not theirs to give, nor touches an account that has one, nor their own.
Posts somebody holds elsewhere are neither shown nor changed. An account that is out of reach is answered like one that does not exist; only
a name that is taken cannot be hidden from who would take it. 三员分立: `policy.require_apart`, and a trigger of the table `post`.
Everything is written in the caller's transaction and leaves an AuditEvent. GB/T 22239-2019 8.1.4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.access import accounts, factors, institutions, password_rules
from yilian.access.accounts import Post, canonical
from yilian.access.policy import policy
from yilian.access.sessions import end_others
from yilian.access.trail import note_change
from yilian.errors import BadRequest, Forbidden, NotFound
from yilian.fhir.definitions import type_id
from yilian.search.parameters import parameters_of
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

APPLICATIONS = ("yilian-web", "yilian-cli")
"""Accounts are looked after in the pages; no other application may, whatever its user may."""
STATES = ("all", "active", "disabled", "locked", "unused")
UNUSED_DAYS = 90
MOST = 200


@dataclass(frozen=True, slots=True)
class Named:
    """A post as it is shown; `institution` "" where it speaks for none."""

    role: str
    institution: str
    institution_name: str


@dataclass(frozen=True, slots=True)
class Managed:
    """An account as who looks after it sees it. `posts`: those within reach. `whole`: everything about it may be changed."""

    name: str
    display: str
    posts: tuple[Named, ...]
    disabled: datetime | None
    locked_until: datetime | None
    expires: datetime | None
    signed_in: datetime | None
    created: datetime
    must_change: bool
    second_factor: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Place:
    """An Organization posts may be given in."""

    reference: str
    name: str


@dataclass(frozen=True, slots=True)
class Manager:
    """What somebody may do with accounts. `places`: Organizations within reach by reference, None for all."""

    gives: frozenset[str]
    places: dict[str, str] | None

    def may_give(self, post: Post) -> bool:
        return post.role in self.gives and (self.places is None or post.institution in self.places)


async def manager(tx: Tx, asker: Scope) -> Manager:
    """What the asker may do. Forbidden when that is nothing."""
    roles = policy().roles
    gives = frozenset[str]().union(*(roles[code].gives for code in asker.roles if code in roles))
    if not gives or asker.client not in APPLICATIONS:
        raise Forbidden("Looking after accounts is for administrators, in the pages.", zh="账号管理仅限系统管理员和安全管理员。")
    if not asker.institution:
        if "admin" not in asker.roles:
            raise Forbidden("This post looks after the accounts of an institution; it has none.", zh="该岗位须在具体机构任职。")
        return Manager(gives, None)
    return Manager(gives, {place.reference: place.name for place in await places(tx, asker.institution)})


async def places(tx: Tx, institution: str) -> list[Place]:
    """The Organizations that speak for an institution, itself first: its departments, and the village posts of a township centre."""
    here = await institutions.by_reference(tx, institution)
    if here is None:
        return []
    found, level = {here.reference: here.name}, [here.rid]
    for _ in range(institutions.DEEPEST):
        level = await _parts(tx, level)
        speaks = await institutions.of(tx, level)
        level = [rid for rid in level if speaks.get(rid) is not None and speaks[rid].rid == here.rid]
        names = await _names(tx, level)
        new = {reference: name for reference, name in names.items() if reference not in found}
        if not new:
            break
        found |= new
    return [Place(reference, name) for reference, name in found.items()]


async def listed(
    tx: Tx, asker: Scope, *, text: str = "", state: str = "all", count: int = 50, after: str = ""
) -> tuple[list[Managed], str]:
    """One page of the accounts within reach, by name, and the name to go on after ("" at the end).

    `text`: part of a name; `state`: one of STATES. BadRequest for a state or count that cannot be.
    """
    if state not in STATES or not 1 <= count <= MOST:
        raise BadRequest(f"state is one of {', '.join(STATES)}; _count a whole number from 1 to {MOST}.")
    who = await manager(tx, asker)
    rows = await tx.fetch(
        f"""
        {_SELECT}
        where a.name > $2 and ($1::text[] is null or exists (select from post where account = a.name and institution = any($1)))
          and (a.name like $3 or lower(a.display) like $3)
          and case $4::text
                when 'active' then a.disabled is null and (a.expires is null or a.expires > $5::timestamptz)
                when 'disabled' then a.disabled is not null or a.expires <= $5::timestamptz
                when 'locked' then a.locked_until > $5::timestamptz
                when 'unused' then a.disabled is null
                                   and coalesce(a.signed_in, a.created) < $5::timestamptz - make_interval(days => $6::int)
                else true
              end
        order by a.name limit $7
        """,
        list(who.places) if who.places is not None else None,
        after,
        f"%{_pattern(canonical(text))}%",
        state,
        tx.now,
        UNUSED_DAYS,
        count + 1,
    )
    found = await _managed(tx, rows[:count], who, asker)
    return found, found[-1].name if len(rows) > count else ""


async def one(tx: Tx, asker: Scope, name: str) -> Managed:
    """One account within reach. NotFound when there is none."""
    who = await manager(tx, asker)
    rows = await tx.fetch(
        f"{_SELECT} where a.name = $2"
        " and ($1::text[] is null or exists (select from post where account = a.name and institution = any($1)))",
        list(who.places) if who.places is not None else None,
        canonical(name),
    )
    if not rows:
        raise NotFound(f"There is no account {name[:64]}.", zh=f"没有账号 {name[:64]}。")
    return (await _managed(tx, rows, who, asker))[0]


async def create(
    tx: Tx,
    asker: Scope,
    name: str,
    display: str,
    posts: Sequence[Post],
    *,
    password: str,
    stored: str | None = None,
    agent: str = "",
    expires: datetime | None = None,
) -> str:
    """A new account, whose password has to be changed at the first sign-in. Returns its name as it is kept.

    A Practitioner of this name is made for it; `agent` names one that is there already, for who looks after the whole region. Forbidden
    for a post that is not the asker's to give.
    """
    who = await manager(tx, asker)
    _require_givable(who, posts)
    if not display.strip():
        raise BadRequest("An account needs the name of a person.", zh="请填写姓名。", expression="display")
    if agent and who.places is not None:
        raise Forbidden("Only who looks after the whole region says whom an account acts as.", zh="仅区域管理员可指定已有人员。")
    acts = agent or await _practitioner(tx, asker, display.strip())
    if agent:
        kind, _, id = agent.partition("/")
        await read.by_id(tx, _lent(asker), kind, id)
    return await accounts.add(
        tx, name, password, display=display, agent=acts, posts=posts, by=asker, must_change=True, expires=expires, stored=stored
    )


async def set_posts(tx: Tx, asker: Scope, name: str, posts: Sequence[Post]) -> None:
    """Replace the posts somebody holds within reach; those held elsewhere stay. An account keeps at least one post: who leaves is
    disabled."""
    who = await manager(tx, asker)
    account = await one(tx, asker, name)
    _require_other(asker, account)
    _require_givable(who, posts)
    held = await accounts.posts_of(tx, account.name)
    within = [post for post in held if who.places is None or post.institution in who.places]
    if not all(who.may_give(post) for post in within):
        raise _not_yours()
    await accounts.set_posts(tx, account.name, [*posts, *(post for post in held if post not in within)], by=asker)


async def disable(tx: Tx, asker: Scope, name: str) -> None:
    """From now on nobody signs in with it; what is signed in ends."""
    await accounts.disable(tx, await _whole(tx, asker, name), by=asker)


async def enable(tx: Tx, asker: Scope, name: str) -> None:
    """It may sign in again, and is unlocked."""
    await accounts.enable(tx, await _whole(tx, asker, name), by=asker)


async def reset_password(tx: Tx, asker: Scope, name: str) -> str:
    """A new password to be read out to its owner, who has to change it at the next sign-in; what is signed in ends."""
    account, password = await _whole(tx, asker, name), password_rules.given()
    await accounts.set_password(tx, account, password, by=asker, must_change=True, what="password reset")
    return password


async def reset_second_factor(tx: Tx, asker: Scope, name: str) -> None:
    """For who has lost everything: apps, passkeys and recovery codes go; what is signed in ends."""
    account = await _whole(tx, asker, name)
    await factors.remove_all(tx, account)
    await end_others(tx, account, None, "second-factor-reset")
    await note_change(tx, asker, account, "second factor reset")


async def sign_out(tx: Tx, asker: Scope, name: str) -> int:
    """End everything this account is signed in with. How many browsers that were."""
    account = await _whole(tx, asker, name)
    ended = await end_others(tx, account, None, "signed-out-by-administrator")
    await note_change(tx, asker, account, "signed out everywhere")
    return ended


_SELECT = """
select a.name, a.display, a.disabled, case when a.locked_until > now() then a.locked_until end as locked_until, a.expires, a.signed_in,
       a.created, a.must_change,
       exists (select from totp t where t.account = a.name and t.confirmed is not null)
       or exists (select from passkey k where k.account = a.name) as second_factor,
       array(select role from post p where p.account = a.name order by p.nth) as roles,
       array(select institution from post p where p.account = a.name order by p.nth) as institutions
from account a
"""


async def _managed(tx: Tx, rows: Sequence[Any], who: Manager, asker: Scope) -> list[Managed]:
    names = who.places if who.places is not None else await _names_of(tx, {one for row in rows for one in row["institutions"] if one})
    found = []
    for row in rows:
        posts = [Post(role, at) for role, at in zip(row["roles"], row["institutions"], strict=True)]
        shown = [post for post in posts if who.places is None or post.institution in who.places]
        found.append(
            Managed(
                row["name"],
                row["display"],
                tuple(Named(post.role, post.institution, names.get(post.institution, "")) for post in shown),
                row["disabled"],
                row["locked_until"],
                row["expires"],
                row["signed_in"],
                row["created"],
                row["must_change"],
                row["second_factor"],
                row["name"] != asker.user and all(who.may_give(post) for post in posts),
            )
        )
    return found


async def _whole(tx: Tx, asker: Scope, name: str) -> str:
    """The account's name, if all of it is the asker's to look after. It is locked against changes of posts until the transaction ends."""
    await tx.execute("select from account where name = $1 for update", canonical(name))
    account = await one(tx, asker, name)
    _require_other(asker, account)
    if not account.whole:
        raise _not_yours()
    return account.name


def _require_other(asker: Scope, account: Managed) -> None:
    if account.name == asker.user:
        raise Forbidden("Nobody looks after their own account here.", zh="不能在此管理自己的账号,请到“我的账号”。")


def _require_givable(who: Manager, posts: Sequence[Post]) -> None:
    roles = policy().roles
    for post in posts:
        if not who.may_give(post):
            zh = roles[post.role].zh if post.role in roles else post.role[:40]
            raise Forbidden(
                f"{post.role[:40]} in {post.institution[:80] or 'no institution'} is not yours to give.", zh=f"您无权授予岗位“{zh}”。"
            )
        if post.role == "resident":
            raise BadRequest("A resident's account is made with the resident's record.", zh="居民账号须关联居民档案,不能在此新建。")


async def _practitioner(tx: Tx, asker: Scope, display: str) -> str:
    id = tx.new_id()
    resource = {"resourceType": "Practitioner", "id": id, "active": True, "name": [{"text": display}]}
    await write(tx, _lent(asker), [Change("PUT", "Practitioner", id, resource)])
    return f"Practitioner/{id}"


def _lent(asker: Scope) -> Scope:
    """The asker with a reach that is lent for one thing: making the Practitioner an account acts as."""
    return replace(asker, reach="everything", may_write=True, writes=frozenset({"Practitioner"}), reads=None)


def _not_yours() -> Forbidden:
    return Forbidden("This account has posts that are not yours to look after.", zh="该账号任有您无权管理的岗位,请由区域系统管理员处理。")


def _pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def _parts(tx: Tx, rids: Sequence[int]) -> list[int]:
    """Organizations that are directly part of one of these."""
    if not rids:
        return []
    rows = await tx.fetch(
        "select distinct i.rid from index_reference i join resource r on r.rid = i.rid"
        " where i.param = $2 and i.target = any($1::bigint[]) and r.type = $3 and not r.deleted",
        list(rids),
        parameters_of("Organization")["partof"].id,
        type_id("Organization"),
    )
    return [row["rid"] for row in rows]


async def _names(tx: Tx, rids: Sequence[int]) -> dict[str, str]:
    rows = await tx.fetch(
        "select id, body::jsonb ->> 'name' as name from resource where rid = any($1::bigint[]) order by name, id", list(rids)
    )
    return {f"Organization/{row['id']}": row["name"] or row["id"] for row in rows}


async def _names_of(tx: Tx, references: set[str]) -> dict[str, str]:
    ids = [one.removeprefix("Organization/") for one in references]
    rows = await tx.fetch(
        "select id, body::jsonb ->> 'name' as name from resource where type = $2 and id = any($1::text[]) and not deleted",
        ids,
        type_id("Organization"),
    )
    return {f"Organization/{row['id']}": row["name"] or row["id"] for row in rows}
