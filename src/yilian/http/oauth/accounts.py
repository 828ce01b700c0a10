"""/oauth2/accounts…: who looks after the accounts of an institution. By the token of the pages; JSON, and CSV for a list of staff."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access import administration, password_rules, staff_list
from yilian.access.accounts import Post
from yilian.access.administration import Managed
from yilian.access.policy import policy
from yilian.errors import BadRequest, NotFound, NotSupported, UnsupportedMediaType
from yilian.http.oauth.edge import body, caller, json, of_json
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge

LONGEST_LIST = 256 * 1024


class GivenPost(msgspec.Struct, forbid_unknown_fields=True):
    """A post to be given; `institution` is "Organization/…" or ""."""

    role: str
    institution: str = ""


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """An account to be made; `until`: nobody signs in from then on."""

    name: str
    display: str
    posts: list[GivenPost]
    agent: str = ""
    until: datetime | None = None


class NewPosts(msgspec.Struct, forbid_unknown_fields=True):
    """The posts within the asker's reach, in their order."""

    posts: list[GivenPost]


async def accounts(edge: Edge, request: Request) -> Response:
    """GET /oauth2/accounts?text=&state=&_count=&after= and POST /oauth2/accounts"""
    asker = await _asker(edge, request)
    if request.method == "POST":
        return await _create(edge, request, asker)
    asked = dict(request.query_params)
    unknown = set(asked) - {"text", "state", "_count", "after"}
    count = asked.get("_count", "50")
    if unknown or not count.isdigit():
        raise NotSupported("Accounts are asked for by text, state, _count and after.")
    async with edge.db.reading() as tx:
        found, further = await administration.listed(
            tx, asker, text=asked.get("text", ""), state=asked.get("state") or "all", count=int(count), after=asked.get("after", "")
        )
    return of_json({"accounts": [_shown(one) for one in found], "after": further})


async def roles(edge: Edge, request: Request) -> Response:
    """GET /oauth2/accounts/-/roles: the posts the asker may give, and where."""
    asker = await _asker(edge, request)
    async with edge.db.reading() as tx:
        who = await administration.manager(tx, asker)
    known = policy().roles
    return of_json(
        {
            "roles": [{"code": code, "zh": known[code].zh} for code in known if code in who.gives and code != "resident"],
            "places": None if who.places is None else [{"reference": ref, "name": name} for ref, name in who.places.items()],
        }
    )


async def take_in(edge: Edge, request: Request) -> Response:
    """POST /oauth2/accounts/-/import?try=true: a list of staff as text/csv."""
    asker = await _asker(edge, request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise UnsupportedMediaType("Send text/csv.")
    told = await staff_list.take_in(
        edge.db, asker, await body(request, LONGEST_LIST), only_try=request.query_params.get("try", "false") == "true"
    )
    return of_json(
        {
            "lines": [
                {
                    "line": one.line.number,
                    "user": one.line.user,
                    "name": one.line.name,
                    "post": one.line.post,
                    "outcome": one.outcome,
                    "text": one.text,
                    "zh": one.zh,
                    "password": one.password,
                }
                for one in told
            ]
        }
    )


async def act(edge: Edge, request: Request) -> Response:
    """POST /oauth2/accounts/{name}/posts | disable | enable | password | second-factor | sign-out"""
    asker = await _asker(edge, request)
    name, what = request.path_params["name"], request.path_params["act"]
    answer: dict[str, Any] = {}
    given: NewPosts | None = await json(request, NewPosts) if what == "posts" else None
    async with edge.db.transaction() as tx:
        if given is not None:
            await administration.set_posts(tx, asker, name, _posts(given.posts))
        elif what == "disable":
            await administration.disable(tx, asker, name)
        elif what == "enable":
            await administration.enable(tx, asker, name)
        elif what == "password":
            answer["password"] = await administration.reset_password(tx, asker, name)
        elif what == "second-factor":
            await administration.reset_second_factor(tx, asker, name)
        elif what == "sign-out":
            answer["ended"] = await administration.sign_out(tx, asker, name)
        else:
            raise NotFound(f"There is nothing to be done to an account by {what[:40]!r}.")
        answer["account"] = _shown(await administration.one(tx, asker, name)) if what != "posts" else None
    return of_json(answer)


async def _create(edge: Edge, request: Request, asker: Scope) -> Response:
    given: NewAccount = await json(request, NewAccount)
    if given.until is not None and given.until.tzinfo is None:
        raise BadRequest("until is a time with a zone.")
    password = password_rules.given()
    async with edge.db.transaction() as tx:
        name = await administration.create(
            tx, asker, given.name, given.display, _posts(given.posts), password=password, agent=given.agent, expires=given.until
        )
        made = await administration.one(tx, asker, name)
    return of_json({"account": _shown(made), "password": password}, 201)


async def _asker(edge: Edge, request: Request) -> Scope:
    who = caller(request)
    asker = await edge.verifier.scope_of(request.headers.get("authorization", ""), who.request_id, who.address)
    edge.limits.person(asker.user)
    return asker


def _posts(given: list[GivenPost]) -> list[Post]:
    return [Post(one.role, one.institution) for one in given]


def _shown(one: Managed) -> dict[str, Any]:
    return {
        "name": one.name,
        "display": one.display,
        "posts": [{"role": post.role, "institution": post.institution, "institutionName": post.institution_name} for post in one.posts],
        "disabled": _time(one.disabled),
        "lockedUntil": _time(one.locked_until),
        "until": _time(one.expires),
        "signedIn": _time(one.signed_in),
        "created": _time(one.created),
        "mustChange": one.must_change,
        "secondFactor": one.second_factor,
        "whole": one.whole,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
