"""Applications opened from a page with its patient on it, and applications that come by themselves and ask for one."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.access.conftest import ORIGIN, House, encounter, patient
from tests.access.journey import answered, authorize, redeem, refresh, sign_in
from yilian.access import clients, sessions
from yilian.errors import BadRequest
from yilian.store import read
from yilian.store.scope import Scope

Json = dict[str, Any]
APP = "https://app.example/back"
OPENS = "https://app.example/launch?tab=1"


@pytest.fixture
async def apps(people: House) -> House:
    """growth is launched by doctors, and told of patients; page is ours."""
    for one in (encounter("visit", "here", "qingshi"), encounter("visit-there", "there", "liuhe"), patient("second", "qingshi")):
        await people.put(one)
    about = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    for id, whom in (("o-here", "here"), ("o-second", "second"), ("o-there", "there")):
        await people.put({**about, "id": id, "subject": {"reference": f"Patient/{whom}"}})
    await people.put(
        {"resourceType": "ServiceRequest", "id": "asked", "status": "active", "intent": "order", "subject": {"reference": "Patient/here"}}
    )
    async with people.db.transaction() as tx:
        for id, name, more in (
            ("growth", "生长曲线", {"launches": [OPENS], "launch_roles": ["gp", "consultant"]}),
            ("quiet", "不打开", {}),
            ("own", "自有", {"launches": ["/own/launch"]}),
        ):
            await clients.add(
                tx,
                id,
                name=name,
                secret=None,
                scope="openid fhirUser launch launch/patient patient/*.rs user/*.cruds",
                grant_types=["authorization_code", "refresh_token"],
                redirect_uris=[APP],
                **more,  # type: ignore[arg-type]
            )
    return people


async def post(browser: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await browser.post(f"/oauth2/{path}", json=body, headers={"origin": ORIGIN})


async def opened(browser: httpx.AsyncClient, **body: Any) -> str:
    """The launch value that goes to the application."""
    answer = await post(browser, "launch", **({"client": "growth", "patient": "Patient/here"} | body))
    assert answer.status_code == 200, answer.text
    location = answer.json()["location"]
    assert location.startswith(f"{OPENS}&iss=")
    said = parse_qs(urlsplit(location).query)
    assert said["iss"] == [f"{ORIGIN}/fhir"]
    return said["launch"][0]


async def asking(browser: httpx.AsyncClient, launch: str | None, scope: str = "openid launch patient/*.rs", **other: Any) -> httpx.Response:
    more = {"client_id": "growth", "redirect_uri": APP, "scope": scope, "launch": launch, "aud": f"{ORIGIN}/fhir"} | other
    return await authorize(browser, **more)


async def token(browser: httpx.AsyncClient, response: httpx.Response) -> Json:
    assert response.status_code == 302, response.text
    got = await redeem(browser, answered(response)["code"], client_id="growth", redirect_uri=APP)
    assert got.status_code == 200, got.text
    return dict(got.json())


async def sees(house: House, scope: Scope, name: str) -> bool:
    kind, _, id = name.partition("/")
    async with house.db.reading() as tx:
        by_query = await read.many(tx, scope, [(kind, id)])
        rows = await tx.fetch(f"select true from resource r where r.id = $1 and {scope.condition('r', (kind,))}", id)
    assert bool(by_query) == bool(rows)
    return bool(rows)


async def test_an_application_is_told_what_it_was_opened_with(apps: House) -> None:
    async with apps.browser() as browser:
        await sign_in(browser, "gp")
        offered = (await browser.get("/oauth2/launches")).json()["applications"]
        assert offered == [{"id": "growth", "name": "生长曲线"}, {"id": "own", "name": "自有"}]
        value = await opened(browser, encounter="Encounter/visit", about=["ServiceRequest/asked"], intent="reconcile")
        got = await token(browser, await asking(browser, value))
        told = {name: got[name] for name in ("patient", "encounter", "fhirContext", "intent", "need_patient_banner")}
        assert told == {
            "patient": "here",
            "encounter": "visit",
            "fhirContext": [{"reference": "ServiceRequest/asked"}],
            "intent": "reconcile",
            "need_patient_banner": True,
        }
        renewed = (await refresh(browser, got["refresh_token"], client_id="growth")).json()
        assert (renewed["patient"], renewed["encounter"]) == ("here", "visit")
        own = (await post(browser, "launch", client="own", patient="Patient/here")).json()["location"]
        assert own.startswith(f"{ORIGIN}/own/launch?iss=")


async def test_a_patient_scope_opens_the_one_record_and_writes_nothing(apps: House) -> None:
    async with apps.browser() as browser:
        await sign_in(browser, "gp")
        got = await token(browser, await asking(browser, await opened(browser), "launch patient/*.rs"))
        scope = await apps.verifier.scope_of(f"Bearer {got['access_token']}")
        assert not scope.may_write
        for name, seen in (
            ("Patient/here", True), ("Observation/o-here", True), ("Encounter/visit", True), ("Organization/qingshi", True),
            ("Patient/second", False), ("Observation/o-second", False), ("Observation/o-there", False), ("Patient/there", False),
        ):  # fmt: skip
            assert await sees(apps, scope, name) is seen, name
        wide = await token(browser, await asking(browser, await opened(browser), "launch user/*.cruds"))
        scope = await apps.verifier.scope_of(f"Bearer {wide['access_token']}")
        assert await sees(apps, scope, "Observation/o-second"), "user/ goes as far as the post does"
        assert not await sees(apps, scope, "Observation/o-there")


async def test_a_launch_value_is_good_once_for_one_application_one_session_and_minutes(apps: House) -> None:
    async with apps.browser() as browser, apps.browser() as another:
        await sign_in(browser, "gp")
        await sign_in(another, "gp")
        value = await opened(browser)
        assert (await asking(another, value)).status_code == 400, "the same account at another browser"
        other = await asking(browser, value, client_id="own")
        assert other.status_code == 400, "another application"
        assert (await asking(browser, "made-up")).status_code == 400
        await token(browser, await asking(browser, value))
        assert (await asking(browser, value)).status_code == 400, "a second time"
        value = await opened(browser)
        apps.clock.move(minutes=6)
        assert (await asking(browser, value)).status_code == 400, "too late"
        assert (await asking(browser, None)).status_code == 400, "launch without one"
        value = await opened(browser)
        await post(browser, "sign-out")
        response = await asking(browser, value)
        assert response.headers["location"].startswith("/sign-in?"), "who has signed out signs in first"
        await sign_in(browser, "gp2")
        assert (await asking(browser, value)).status_code == 400, "somebody else has signed in since"
        kept = await apps.rows("select hash from launch")
        assert sessions.digest(value) in {row["hash"] for row in kept}, "values are kept as digests"


async def test_only_what_the_session_sees_and_what_belongs_together_is_launched(apps: House) -> None:
    async with apps.browser() as browser:
        assert (await post(browser, "launch", client="growth", patient="Patient/here")).status_code == 401
        await sign_in(browser, "gp")
        for status, body in (
            (404, {"patient": "Patient/there"}),
            (404, {"patient": "Patient/nobody"}),
            (404, {"encounter": "Encounter/visit-there"}),
            (400, {"patient": "Patient/second", "encounter": "Encounter/visit"}),
            (400, {"patient": "Observation/o-here"}),
            (400, {"about": ["Observation/o-here"]}),
            (400, {"about": ["ServiceRequest/asked"] * 6}),
            (400, {"intent": "a\nb"}),
            (403, {"client": "quiet"}),
            (403, {"client": "nothing"}),
        ):
            answer = await post(browser, "launch", **({"client": "growth", "patient": "Patient/here"} | body))
            assert answer.status_code == status, (body, answer.text)
        assert await apps.value("select count(*) from launch") == 0
    for who, offered in (("expert", {"growth", "own"}), ("regulator", set()), ("resident", {"own"})):
        async with apps.browser() as browser:
            await sign_in(browser, who)
            assert {one["id"] for one in (await browser.get("/oauth2/launches")).json()["applications"]} == offered
            if not offered:
                assert (await post(browser, "launch", client="own", patient="Patient/here")).status_code == 403


async def test_who_comes_by_itself_and_asks_for_a_patient_is_told_the_one_that_is_chosen(apps: House) -> None:
    async with apps.browser() as browser:
        await sign_in(browser, "gp")
        away = await asking(browser, None, "launch/patient patient/*.rs")
        assert away.headers["location"].startswith("/choose-patient?")
        assert "client_id=growth" in away.headers["location"]
        assert (await post(browser, "launch/patient", client="growth", patient="Patient/there")).status_code == 404
        assert (await post(browser, "launch/patient", client="yilian-web", patient="Patient/here")).status_code == 403
        chosen = (await post(browser, "launch/patient", client="growth", patient="Patient/second")).json()["launch"]
        got = await token(browser, await asking(browser, chosen, "launch/patient patient/*.rs"))
        assert got["patient"] == "second"
        scope = await apps.verifier.scope_of(f"Bearer {got['access_token']}")
        assert await sees(apps, scope, "Observation/o-second")
        assert not await sees(apps, scope, "Observation/o-here")
        silent = await asking(browser, None, "launch/patient patient/*.rs", prompt="none")
        assert "patient" not in await token(browser, silent)
    async with apps.browser() as browser:
        await sign_in(browser, "resident")
        got = await token(browser, await asking(browser, None, "launch/patient patient/*.rs"))
        assert got["patient"] == "here", "a resident's is their own"


async def test_a_launch_address_is_one_a_browser_may_be_sent_to(apps: House) -> None:
    more: Json = {"name": "x", "secret": None, "scope": "launch user/*.rs", "grant_types": ["authorization_code"]}
    async with apps.db.transaction() as tx:
        for address in (
            "http://app.example/",
            "javascript:alert(1)",
            "https://app.example/?launch=1",
            "https://app.example/#x",
            "//app.example",
        ):
            with pytest.raises(BadRequest):
                await clients.add(tx, "x", **more, launches=[address])
        with pytest.raises(BadRequest):
            await clients.add(tx, "x", **more, launches=["https://app.example"], launch_roles=["king"])


async def test_what_is_told_of_launches_is_so(apps: House) -> None:
    async with apps.browser() as browser:
        document = (await browser.get("/.well-known/openid-configuration")).json()
    assert {"launch", "launch/patient"} <= set(document["scopes_supported"])
