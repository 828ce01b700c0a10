"""`policy.toml` as values, and the two questions asked of it: how far does this post see, and may it do this.

Whose rows are seen is decided in SQL by `Scope.condition`, and what is written by `store.permission` with `Scope.writes`; here is
decided which kinds of thing somebody may read or write at all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from yilian.errors import BadRequest, Forbidden
from yilian.fhir.definitions import is_resource_type
from yilian.store.rights import Letter
from yilian.store.scope import Reach, Scope

TABLE = Path(__file__).with_name("policy.toml")


@dataclass(frozen=True, slots=True)
class Role:
    """What one post may do. `writes` are resource types, `reads` too (None: every type); `expunges`: whether it may remove things for good;
    `matches`: whether it may ask who of the whole region somebody is (Patient/$match); `links`: whether it may say which records are one
    person; `scans`: whether it may scan health cards; `breaks_glass`: whether it may open a record in an emergency; `reviews`: whether it
    reviews that; `gives`: the posts it may give to others; `counts`: whether it sees the numbers of the
    region; `dispatches`: whether it sees what was sent outside, and sends it again; `leads`: whether it sees the numbers of the consortia
    its institution leads."""

    code: str
    zh: str
    reach: Reach
    purpose: str
    writes: frozenset[str]
    expunges: bool = False
    matches: bool = False
    links: bool = False
    reads: frozenset[str] | None = None
    scans: bool = False
    breaks_glass: bool = False
    reviews: bool = False
    gives: frozenset[str] = frozenset()
    counts: bool = False
    dispatches: bool = False
    leads: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """roles by code; families of resource types by name; purpose of applications that ask for themselves; `apart`: posts of which nobody
    holds two (三员分立)"""

    roles: dict[str, Role]
    families: dict[str, frozenset[str]]
    client_purpose: str
    apart: frozenset[str] = frozenset()


@cache
def policy() -> Policy:
    """The table as it stands in the package."""
    raw = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    families = {name: frozenset(types) for name, types in raw["families"].items()}
    roles = {
        code: Role(
            code,
            row["zh"],
            row["reach"],
            row["purpose"],
            _types(row["writes"], families),
            row.get("expunges", False),
            row.get("matches", False),
            row.get("links", False),
            _types(row["reads"], families) if "reads" in row else None,
            row.get("scans", False),
            row.get("breaks_glass", False),
            row.get("reviews", False),
            frozenset(row.get("gives", ())),
            row.get("counts", False),
            row.get("dispatches", False),
            row.get("leads", False),
        )
        for code, row in raw["roles"].items()
    }
    return Policy(roles, families, raw["clients"]["purpose"], frozenset(raw["separation"]["apart"]))


def require_apart(codes: Iterable[str]) -> None:
    """BadRequest when these posts, in whatever institutions, must not be held by one person (三员分立, GB/T 22239-2019 8.1.4.2 d)."""
    held = sorted(set(codes) & policy().apart)
    if len(held) > 1:
        zh = "、".join(policy().roles[code].zh for code in held)
        raise BadRequest(f"{' and '.join(held)} are not held by one person.", zh=f"{zh}须由不同人员担任(三员分立)。")


def _types(names: Iterable[str], families: dict[str, frozenset[str]]) -> frozenset[str]:
    """The resource types of these families; a resource type stands for itself. KeyError for a name that is neither."""
    return frozenset().union(*(frozenset({name}) if is_resource_type(name) else families[name] for name in names))


def joint(codes: Iterable[str]) -> Role:
    """What somebody may do who holds all these posts in one institution.

    BadRequest for a code that is none, and for posts that must not be held together: who administers the system or supervises sees no
    patients, so such a post is not added to one that does (三员分立). Nobody without a post sees anything.
    """
    known = policy().roles
    held = []
    for code in sorted(set(codes)):
        if code not in known:
            raise BadRequest(f"{code[:40]!r} is no role; there are {', '.join(sorted(known))}.", zh=f"没有“{code[:40]}”这个岗位。")
        held.append(known[code])
    if not held:
        return Role("", "", "nothing", policy().client_purpose, frozenset())
    require_apart(role.code for role in held)
    reaches = {role.reach for role in held}
    if len(reaches) > 1:
        names, zh = " and ".join(role.code for role in held), "、".join(role.zh for role in held)
        raise BadRequest(f"{names} must not be held together in one institution.", zh=f"{zh}不能由同一账号在同一机构兼任。")
    writes = frozenset[str]().union(*(role.writes for role in held))
    some = [role.reads for role in held if role.reads is not None]
    reads = frozenset[str]().union(*some) if len(some) == len(held) else None
    return Role(
        " ".join(role.code for role in held), "、".join(role.zh for role in held), held[0].reach, held[0].purpose, writes, reads=reads
    )


def may(scope: Scope, action: Literal["read", "write"], kind: str) -> bool:
    """Whether this scope may read or write resources of this type at all."""
    if action == "write":
        return scope.may_write and (scope.writes is None or kind in scope.writes)
    return scope.may_read(kind)


def require(scope: Scope, action: Literal["read", "write"], kind: str) -> None:
    """Raises Forbidden unless `may`. Says nothing about whether any such resource exists."""
    if may(scope, action, kind):
        return
    zh = f"您的岗位或所用应用无权{'修改' if action == 'write' else '查看'}此类资料({kind})。"
    raise Forbidden(f"Neither your post nor your token's scope allows you to {action} {kind}.", zh=zh)


def require_letters(scope: Scope, letters: Iterable[Letter], kind: str) -> None:
    """Raises Forbidden unless the token allows one of these letters for at least some of the type. For tokens that have `rights`."""
    if scope.rights is None or any(kinds is None or kind in kinds for kinds in (scope.rights.of(one).kinds() for one in letters)):
        return
    told = " or ".join(f".{letter}" for letter in letters)
    raise Forbidden(f"Your token's scope does not allow {told} of {kind}.", zh=f"所用应用的授权范围不包括此项操作({kind})。")


def require_whole(scope: Scope, what: str) -> None:
    """Raises Forbidden for a token that is for parts of types, or for one patient, where that cannot be heeded."""
    if scope.is_partial:
        raise Forbidden(
            f"{what} is not done for a token whose scope has conditions (?category=…) or that is for one patient.",
            zh="应用的授权范围限定了部分资料,不能使用此功能。",
        )


def require_matching(scope: Scope) -> None:
    """Raises Forbidden unless this scope may ask who of the whole region somebody is: a post the table says so of, which may read Patients,
    or an application that asks for itself."""
    roles = policy().roles
    post = any(code in roles and roles[code].matches for code in scope.roles)
    system = not scope.roles and scope.reach in ("everything", "grounds")
    if not ((post or system) and may(scope, "read", "Patient")):
        raise Forbidden(
            "Finding who somebody is in the whole region is for those who register patients, and for systems of the region.",
            zh="全区域患者匹配仅限负责登记的岗位和区域系统应用。",
        )


def require_linking(scope: Scope) -> None:
    """Raises Forbidden unless this scope may say which records are one person: a post the table says so of, or a system of the region that
    may write Persons."""
    roles = policy().roles
    post = any(code in roles and roles[code].links for code in scope.roles)
    system = not scope.roles and scope.reach == "everything"
    if not ((post or system) and may(scope, "write", "Person") and may(scope, "read", "Patient")):
        raise Forbidden(
            "Linking records is for the stewards of the patient index, and for systems of the region.",
            zh="患者主索引的关联与解除仅限主索引管理员和区域系统应用。",
        )


def require_scanning(scope: Scope) -> None:
    """Raises Forbidden unless this scope may scan health cards: a post the table says so of, or an institution's own system, either of
    which speaks for an institution and may read Patients."""
    roles = policy().roles
    post = any(code in roles and roles[code].scans for code in scope.roles)
    system = not scope.roles
    if not ((post or system) and scope.reach == "grounds" and scope.institution_rid and scope.may_write and may(scope, "read", "Patient")):
        raise Forbidden(
            "Health cards are scanned at the desk of an institution: by its registrars, and by its own systems.",
            zh="健康卡仅限医疗机构的登记岗位和本机构系统扫描。",
        )


def require_clinician(scope: Scope) -> None:
    """Raises Forbidden unless this scope may open a record in an emergency: a post the table says so of, at work in an institution."""
    roles = policy().roles
    at_work = scope.reach == "grounds" and bool(scope.institution_rid) and scope.may_write and may(scope, "read", "Patient")
    if not (at_work and any(code in roles and roles[code].breaks_glass for code in scope.roles)):
        raise Forbidden(
            "Emergency access is for clinicians at work in an institution.", zh="紧急查阅仅限在医疗机构执业的临床医师,请以相应岗位登录。"
        )


def require_reviewer(scope: Scope) -> None:
    """Raises Forbidden unless this scope reviews the emergency accesses of its institution."""
    roles = policy().roles
    if not (scope.institution_rid and any(code in roles and roles[code].reviews for code in scope.roles)):
        raise Forbidden(
            "Emergency accesses are reviewed by the privacy officer of the institution.", zh="紧急查阅由本机构的隐私与信息安全专员复核。"
        )


def require_counting(scope: Scope) -> None:
    """Raises Forbidden unless this scope sees the numbers of the region: a post the table says so of, or a system of the region that may
    read MeasureReports."""
    roles = policy().roles
    post = any(code in roles and roles[code].counts for code in scope.roles)
    system = not scope.roles and scope.reach == "everything"
    if not ((post or system) and may(scope, "read", "MeasureReport")):
        raise Forbidden(
            "The numbers of the region are for the health commission, and for systems of the region.",
            zh="全区域统计仅限卫健委和区域系统应用。",
        )


def require_dispatching(scope: Scope) -> None:
    """Raises Forbidden unless this scope sees what was sent outside (发送记录) and may have it sent again."""
    roles = policy().roles
    if not any(code in roles and roles[code].dispatches for code in scope.roles):
        raise Forbidden(
            "What was sent outside is for the referral office, the consortium office and the administrator.",
            zh="发送记录仅限转诊办、医联体办公室和系统管理员查看。",
        )


def require_leading(scope: Scope) -> None:
    """Raises Forbidden unless this scope sees the numbers of the consortia its institution leads: a post the table says so of."""
    roles = policy().roles
    if not any(code in roles and roles[code].leads for code in scope.roles):
        raise Forbidden(
            "The numbers of a consortium are for the consortium office of the institution that leads it.",
            zh="医联体统计仅限牵头医院的医联体办公室。",
        )


def require_expunge(scope: Scope) -> None:
    """Raises Forbidden unless this scope may remove things for good: a post the table says so of, or a system of the region that may write
    every type (`system/*.*`)."""
    roles = policy().roles
    post = any(code in roles and roles[code].expunges for code in scope.roles)
    system = scope.reach == "everything" and scope.reads is None and scope.writes is None
    if not (scope.may_write and (post or system)):
        raise Forbidden(
            "Removing for good is for administrators, and for systems of the region with system/*.*.",
            zh="永久清除仅限系统管理员或全区域系统应用。",
        )
