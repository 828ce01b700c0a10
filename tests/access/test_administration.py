"""Who looks after whose account; what nobody may give; three officers who are three people. GB/T 22239-2019 8.1.4.2."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.access.conftest import PASSWORD, House, organization, part_of
from tests.access.journey import bearer, sign_in
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.access.tokens import issue_for_user
from yilian.errors import BadRequest, Conflict, NotSignedIn

Q, L = "Organization/qingshi", "Organization/liuhe"


@pytest.fixture
async def offices(people: House) -> House:
    """safety looks after qingshi, boss administers qingshi, watch audits there; two holds a post in each of two places."""
    async with people.db.transaction() as tx:
        for name, role, at in (("safety", "security", Q), ("boss", "admin", Q), ("watch", "privacy", Q)):
            await accounts.add(tx, name, PASSWORD, display=name, agent=f"Practitioner/{name}", posts=[Post(role, at)])
        both = [Post("gp", Q), Post("gp", L)]
        await accounts.add(tx, "two", PASSWORD, display="两处执业", agent="Practitioner/two", posts=both)
        village = [Post("gp", "Organization/qingshi-v01")]
        await accounts.add(tx, "village", PASSWORD, display="村医", agent="Practitioner/village", posts=village)
    return people


class Asks:
    def __init__(self, house: House, browser: httpx.AsyncClient) -> None:
        self.house, self.browser = house, browser
        self.tokens: dict[str, str] = {}

    async def __call__(self, who: str, path: str = "", body: Any = None, method: str = "", **more: Any) -> httpx.Response:
        if who not in self.tokens:
            async with self.house.db.transaction() as tx:
                self.tokens[who] = bearer(await issue_for_user(tx, who))
        verb = method or ("GET" if body is None else "POST")
        headers = {"authorization": self.tokens[who], **more.pop("headers", {})}
        return await self.browser.request(verb, f"/oauth2/accounts{path}", json=body, headers=headers, **more)


@pytest.fixture
async def asks(offices: House) -> Any:
    async with offices.browser() as browser:
        yield Asks(offices, browser)


async def names(asks: Asks, who: str, **query: str) -> list[str]:
    answer = await asks(who, params=query)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["accounts"]]


async def test_each_sees_the_accounts_of_the_own_institution_with_its_departments_and_posts(asks: Asks) -> None:
    assert await names(asks, "safety") == ["boss", "gp", "safety", "two", "village", "watch"]
    assert "expert" in await names(asks, "admin")
    for who in ("gp", "watch", "regulator", "resident"):
        assert (await asks(who)).status_code == 403
    two = next(one for one in (await asks("safety")).json()["accounts"] if one["name"] == "two")
    assert two["posts"] == [{"role": "gp", "institution": Q, "institutionName": "qingshi"}], "the other post is not told of"
    assert two["whole"] is False


async def test_lists_are_paged_searched_and_sorted_by_state(asks: Asks) -> None:
    first = (await asks("safety", params={"_count": "2"})).json()
    assert ([one["name"] for one in first["accounts"]], first["after"]) == (["boss", "gp"], "gp")
    assert await names(asks, "safety", after="gp", _count="200") == ["safety", "two", "village", "watch"]
    assert await names(asks, "safety", text="村") == ["village"]
    assert await names(asks, "safety", text="%") == []
    await asks("safety", "/gp/disable", {})
    assert await names(asks, "safety", state="disabled") == ["gp"]
    assert "gp" not in await names(asks, "safety", state="active")
    async with asks.house.browser() as browser:
        for _ in range(5):
            await sign_in(browser, "village", "wrong")
    assert await names(asks, "safety", state="locked") == ["village"]
    for wrong in ({"state": "x"}, {"_count": "0"}, {"_count": "x"}, {"more": "1"}):
        assert (await asks("safety", params=wrong)).status_code == 400


async def test_a_new_account_signs_in_with_what_was_given_and_chooses_its_own(asks: Asks) -> None:
    posts = [{"role": "registrar", "institution": "Organization/qingshi-v01"}]
    made = await asks("safety", body={"name": "New.One", "display": "新人", "posts": posts})
    assert made.status_code == 201, made.text
    given = made.json()["password"]
    async with asks.house.browser() as browser:
        assert (await sign_in(browser, "new.one", given)).json() == {"next": "password"}
    agent = await asks.house.value("select agent from account where name = 'new.one'")
    name = await asks.house.value("select body::jsonb #>> '{name,0,text}' from resource where id = $1", agent.removeprefix("Practitioner/"))
    assert name == "新人"
    assert (await asks("safety", body={"name": "new.one", "display": "x", "posts": posts})).status_code == 409


@pytest.mark.parametrize(
    ("who", "role", "at", "status"),
    [
        ("safety", "gp", Q, 201),
        ("safety", "gp", L, 403),
        ("safety", "gp", "Organization/not-there", 403),
        ("safety", "gp", "", 403),
        ("safety", "admin", Q, 403),
        ("safety", "security", Q, 403),
        ("safety", "privacy", Q, 403),
        ("safety", "data-steward", Q, 403),
        ("safety", "regulator", "", 403),
        ("safety", "king", Q, 403),
        ("boss", "security", Q, 201),
        ("boss", "admin", "", 403),
        ("boss", "regulator", "", 403),
        ("admin", "regulator", "", 201),
        ("admin", "security", L, 201),
        ("admin", "resident", "", 400),
    ],
)
async def test_nobody_gives_a_post_that_is_not_theirs_to_give(asks: Asks, who: str, role: str, at: str, status: int) -> None:
    post = {"role": role, "institution": at}
    made = await asks(who, body={"name": "fresh", "display": "新人", "posts": [post]})
    assert made.status_code == status, made.text
    if who == "safety":
        moved = await asks(who, "/village/posts", {"posts": [post]})
        assert moved.status_code == {201: 200}.get(status, status), moved.text


async def test_who_may_not_give_a_post_does_not_touch_an_account_that_has_it(asks: Asks) -> None:
    """Else a security officer would reset the administrator's password and be the administrator."""
    for name in ("boss", "watch", "two", "safety"):
        for what in ("disable", "enable", "password", "second-factor", "sign-out"):
            refused = await asks("safety", f"/{name}/{what}", {})
            assert refused.status_code == 403, (name, what)
    for name in ("boss", "watch", "safety"):
        assert (await asks("safety", f"/{name}/posts", {"posts": [{"role": "gp", "institution": Q}]})).status_code == 403, name


async def test_an_account_out_of_reach_is_answered_like_none(asks: Asks) -> None:
    for what in ("disable", "enable", "password", "second-factor", "sign-out"):
        there, none = await asks("safety", f"/gp2/{what}", {}), await asks("safety", f"/nobody/{what}", {})
        assert there.status_code == none.status_code == 404
        assert there.text.replace("gp2", "") == none.text.replace("nobody", "")


async def test_posts_elsewhere_stay_as_they_are(asks: Asks) -> None:
    moved = await asks("safety", "/two/posts", {"posts": [{"role": "head", "institution": Q}]})
    assert moved.status_code == 200, moved.text
    async with asks.house.db.reading() as tx:
        assert await accounts.posts_of(tx, "two") == (Post("head", Q), Post("gp", L))


async def test_a_leaver_is_out_at_once_and_stays_out(asks: Asks) -> None:
    async with asks.house.browser() as browser:
        await sign_in(browser, "gp")
        assert (await asks("gp")).status_code == 403
        assert (await asks("safety", "/gp/disable", {})).json()["account"]["disabled"]
        assert (await browser.get("/oauth2/account")).status_code == 401
        asks.house.clock.move(seconds=1)
        with pytest.raises(NotSignedIn):
            await asks.house.verifier.scope_of(asks.tokens["gp"])
        assert (await sign_in(browser, "gp")).status_code == 401
        assert (await asks("safety", "/gp/enable", {})).status_code == 200
        assert (await sign_in(browser, "gp")).status_code == 204
        given = (await asks("safety", "/gp/password", {})).json()["password"]
        assert (await browser.get("/oauth2/account")).status_code == 401
        assert (await sign_in(browser, "gp", given)).json() == {"next": "password"}
    texts = {row["outcome_text"] for row in await asks.house.rows("select outcome_text from audit_event where account = 'safety'")}
    assert {"account disabled: gp", "account enabled: gp", "password reset: gp"} <= texts


async def test_an_application_with_an_administrators_token_does_not_look_after_accounts(asks: Asks) -> None:
    async with asks.house.db.transaction() as tx:
        await tx.execute("insert into client (id, name, grant_types, scope) values ('app', 'app', '{}', 'user/*.*')")
        await issue_for_user(tx, "admin")
        await tx.execute("update token_grant set client = 'app' where account = 'admin'")
        token = await issue_for_user(tx, "admin")
        await tx.execute("update token_grant set client = 'app' where account = 'admin'")
    asks.tokens["admin"] = bearer(token)
    assert (await asks("admin")).status_code == 403


async def test_three_officers_are_three_people_whatever_accounts_they_have(offices: House) -> None:
    async with offices.db.transaction() as tx:
        with pytest.raises(BadRequest):
            await accounts.set_posts(tx, "safety", [Post("security", Q), Post("admin", L)])
    async with offices.db.transaction() as tx:
        with pytest.raises(Conflict, match="another office"):
            await accounts.add(tx, "second", "x", display="x", agent="Practitioner/safety", posts=[Post("privacy", L)])
    async with offices.db.transaction() as tx:
        await accounts.add(tx, "third", "x", display="x", agent="Practitioner/safety", posts=[Post("security", L)])
        await accounts.set_posts(tx, "safety", [Post("gp", Q)])
        await accounts.set_posts(tx, "third", [Post("gp", L)])
        await accounts.set_posts(tx, "safety", [Post("admin", Q)])


async def test_two_offices_given_at_the_same_moment_do_not_both_hold(offices: House) -> None:
    async def give(name: str, role: str) -> bool:
        try:
            async with offices.db.transaction() as tx:
                await accounts.add(tx, name, None, display="x", agent="Practitioner/both", posts=[Post(role, Q)])
                await asyncio.sleep(0.05)
        except Conflict:
            return False
        return True

    given = await asyncio.gather(*(give(f"a{n}", role) for n, role in enumerate(["admin", "security", "privacy"] * 2)))
    held = await offices.rows("select distinct role from post p join account a on a.name = p.account where a.agent = 'Practitioner/both'")
    assert len(held) == 1
    assert sum(given) == 2


# --- a list of staff

LIST = """用户名,姓名,岗位,机构,有效期
wang.f,王芳,全科医生、转诊办,qingshi,2099-12-31
li.q,李强,registrar,Organization/qingshi-v01,
gp,重名,全科医生,,
zhao,赵,系统管理员,,
qian,钱,全科医生,liuhe,
sun,孙,全科医生,,2001-01-01
bad name,周,全科医生,,
wu,,全科医生,,
"""
TOLD = ["added", "added", "exists", "refused", "refused", "refused", "refused", "refused"]


async def send(asks: Asks, content: bytes, *, only_try: bool = False, who: str = "safety") -> httpx.Response:
    await asks(who)
    headers = {"authorization": asks.tokens[who], "content-type": "text/csv"}
    return await asks.browser.post(f"/oauth2/accounts/-/import?try={str(only_try).lower()}", content=content, headers=headers)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_list_of_staff_is_told_line_by_line_and_can_be_tried_first(asks: Asks, encoding: str) -> None:
    before = await asks.house.value("select count(*) from account")
    written = await asks.house.value("select count(*) from resource")
    tried = (await send(asks, LIST.encode(encoding), only_try=True)).json()["lines"]
    assert [one["outcome"] for one in tried] == [one.replace("added", "would-be-added") for one in TOLD]
    assert not any(one["password"] for one in tried)
    assert await asks.house.value("select count(*) from account") == before
    assert await asks.house.value("select count(*) from resource") == written, "a try leaves nothing"
    told = (await send(asks, LIST.encode(encoding))).json()["lines"]
    assert [one["outcome"] for one in told] == TOLD
    assert [one["line"] for one in told] == list(range(2, 10))
    assert all(one["zh"] for one in told if one["outcome"] in ("refused", "exists"))
    assert await asks.house.value("select count(*) from account") == before + 2
    async with asks.house.browser() as browser:
        assert (await sign_in(browser, "wang.f", told[0]["password"])).json() == {"next": "password"}
    async with asks.house.db.reading() as tx:
        assert await accounts.posts_of(tx, "wang.f") == (Post("gp", Q), Post("coordinator", Q))
    again = (await send(asks, LIST.encode(encoding))).json()["lines"]
    assert [one["outcome"] for one in again][:3] == ["exists"] * 3


async def test_who_administers_the_region_names_institutions_as_people_do(asks: Asks) -> None:
    rows = "user,name,post,institution\nwang.x,王,gp,liuhe\nli.x,李,gp,nowhere\nsun.x,孙,gp,Organization/qingshi\n"
    told = (await send(asks, rows.encode(), who="admin")).json()["lines"]
    assert [one["outcome"] for one in told] == ["added", "refused", "added"]
    assert "没有机构名为“nowhere”" in told[1]["zh"]
    async with asks.house.db.reading() as tx:
        assert await accounts.posts_of(tx, "wang.x") == (Post("gp", L),)


async def test_what_is_no_list_of_staff_is_refused_as_a_whole(asks: Asks) -> None:
    wrong: list[tuple[bytes, int]] = [
        (b"", 400),
        (b"user,name\na,b\n", 400),
        (b"user,name,post,colour\na,b,gp,red\n", 400),
        (b'user,name,post\n"a,b,gp\n', 400),
        (b"user,name,post\na,b,gp,,,\n", 400),
        (b"\xff\xfe\x00", 400),
        (b"user,name,post\n" + b"a,b,gp\n" * 201, 413),
        (b"x" * 300_000, 413),
    ]
    for content, status in wrong:
        assert (await send(asks, content)).status_code == status, content[:40]
    assert (await send(asks, LIST.encode(), who="boss")).status_code == 200
    await asks("watch")
    refused = await asks.browser.post(
        "/oauth2/accounts/-/import", content=LIST.encode(), headers={"authorization": asks.tokens["watch"], "content-type": "text/csv"}
    )
    assert refused.status_code == 403


async def test_departments_of_departments_belong_to_the_institution(asks: Asks) -> None:
    await asks.house.put(organization("first-icu", **part_of("first-cardiology")))
    await asks.house.put(organization("branch", "county", **part_of("first")))
    async with asks.house.db.transaction() as tx:
        await accounts.add(tx, "fs", PASSWORD, display="fs", agent="Practitioner/fs", posts=[Post("security", "Organization/first")])
    roles = (await asks("fs", "/-/roles")).json()
    assert {one["reference"] for one in roles["places"]} == {
        "Organization/first", "Organization/first-cardiology", "Organization/first-icu",
    }  # fmt: skip
    assert "admin" not in {one["code"] for one in roles["roles"]}
    assert (await asks("admin", "/-/roles")).json()["places"] is None
