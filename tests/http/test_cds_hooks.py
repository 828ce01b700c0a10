"""CDS Hooks as a hospital's own system calls it: discovery, the three hooks, feedback, and who is let in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.criteria import record
from tests.criteria.region import of_now, store
from tests.http.house import ORIGIN, Server
from yilian import app, config
from yilian.access import clients
from yilian.fhir import urls

Json = dict[str, Any]
HIS = "https://his.county.example"
VIEW, SELECT, SIGN = "referral-criteria-view", "referral-criteria-select", "referral-criteria-sign"
FILE = f"516621100101{ord('1'):05d}"
"""The health file number of p1."""


class Hospital:
    """The system of 青石镇卫生院, registered with a key."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.key = ECKey.generate_key("P-384", {"kid": "one", "use": "sig", "alg": "ES384"})

    async def register(self, *, institution: str = "Organization/qingshi") -> Hospital:
        public = msgspec.json.encode({"keys": [self.key.as_dict(private=False)]}).decode()
        database = app.database(config.Settings(), self.server.dsn)
        await database.open()
        try:
            async with database.transaction() as tx:
                await clients.add(
                    tx, HIS, name="青石镇卫生院信息系统", secret=None, scope="system/*.rs", grant_types=("client_credentials",),
                    institution=institution, jwks=public,
                )  # fmt: skip
        finally:
            await database.close()
        return self

    def statement(self, path: str, **claims: Any) -> str:
        now = datetime.now(UTC)
        said = {
            "iss": HIS,
            "aud": f"{ORIGIN}/cds-services/{path}",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=4)).timestamp()),
            "jti": uuid4().hex,
        }
        header = {"alg": "ES384", "kid": "one", "typ": "JWT"} | claims.pop("header", {})
        return jwt.encode(header, {k: v for k, v in {**said, **claims}.items() if v is not None}, self.key, ["ES384"])

    async def post(self, path: str, body: Any, statement: str = "") -> Any:
        async with self.server.nobody() as client:
            bearer = {"authorization": f"Bearer {statement or self.statement(path)}"}
            return await client.post(f"/cds-services/{path}", json=body, headers=bearer)


@pytest.fixture
async def his(server: Server) -> Hospital:
    return await Hospital(server).register()


def call(hook: str, *, context: Json | None = None, **more: Any) -> Json:
    said = {"userId": "Practitioner/77", "patientId": "555"} | (context or {})
    return {"hook": hook, "hookInstance": str(uuid4()), "context": said, **more}


def along(*resources: Json, identifier: str = "", patient: str = "555") -> Json:
    """prefetch: the patient of the caller's own server, and what it knows."""
    person: Json = {"resourceType": "Patient", "id": patient, "birthDate": "1966-03-12", "gender": "female"}
    if identifier:
        person["identifier"] = [{"system": urls.HEALTH_FILE, "value": identifier}]
    found: Json = {"patient": person, "conditions": None, "observations": None}
    for key, kind in (("observations", "Observation"), ("conditions", "Condition"), ("medications", "MedicationRequest")):
        listed = [{"resource": one} for one in resources if one["resourceType"] == kind]
        if listed:
            found[key] = {"resourceType": "Bundle", "type": "searchset", "entry": listed}
    return found


def draft(direction: str = "up", id: str = "draft-1") -> Json:
    return {
        "resourceType": "ServiceRequest", "id": id, "status": "draft", "intent": "order", "subject": {"reference": "Patient/555"},
        "category": [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": direction}]}],
    }  # fmt: skip


def drafts(*orders: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in orders]}


def cards(answer: Any) -> list[Json]:
    assert answer.status_code == 200, answer.text
    listed = answer.json()["cards"]
    for card in listed:  # what the standard says of every card
        UUID(card["uuid"])
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        if "suggestions" in card:
            assert card["selectionBehavior"] in ("at-most-one", "any")
            assert all(one["label"] and one["actions"][0]["type"] in ("create", "update") for one in card["suggestions"])
        assert all(one["type"] in ("absolute", "smart") and one["url"].startswith("http") for one in card.get("links", []))
        assert all(one["code"] and one["system"] and one["display"] for one in card.get("overrideReasons", []))
    return list(listed)


async def test_discovery_is_open_and_names_hooks_and_prefetch(server: Server) -> None:
    async with server.nobody() as client:
        answer = await client.get("/cds-services")
        preflight = await client.options(f"/cds-services/{VIEW}")
    assert {one["id"]: one["hook"] for one in answer.json()["services"]} == {
        VIEW: "patient-view",
        SELECT: "order-select",
        SIGN: "order-sign",
    }
    for one in answer.json()["services"]:
        assert one["title"]
        assert one["description"]
        assert one["prefetch"]["patient"] == "Patient/{{context.patientId}}"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert preflight.status_code == 204


async def test_the_prefetch_templates_are_searches_this_server_understands(server: Server) -> None:
    async with server.nobody() as client:
        templates = (await client.get("/cds-services")).json()["services"][0]["prefetch"]
    gp = await server.as_("gp")
    for template in templates.values():
        answer = await gp.get("/fhir/" + template.replace("{{context.patientId}}", "p1"))
        assert answer.status_code == 200, answer.text


async def test_what_comes_along_is_judged_and_not_stored(his: Hospital) -> None:
    high = of_now(record.pressure(188, 112), "555")
    before = await his.server.value("select count(*) from resource")
    [card] = cards(await his.post(VIEW, call("patient-view", prefetch=along(high))))
    assert card["indicator"] == "warning"
    assert "血压 ≥180/110 mmHg" in card["summary"]
    assert "188 mmHg" in card["detail"]
    assert "links" not in card, "nobody here knows the patient"
    proposed = card["suggestions"][0]["actions"][0]["resource"]
    assert (proposed["resourceType"], proposed["subject"]) == ("ServiceRequest", {"reference": "Patient/555"})
    assert await his.server.value("select count(*) from resource") == before
    assert cards(await his.post(VIEW, call("patient-view", prefetch=along()))) == []


async def test_who_is_known_here_is_judged_by_what_the_institution_may_see(his: Hospital) -> None:
    await store(his.server, of_now(record.pressure(188, 112)))
    [card] = cards(await his.post(VIEW, call("patient-view", prefetch=along(identifier=FILE))))
    assert card["links"][0]["url"].startswith(f"{ORIGIN}/patients/p1/refer?")
    gp = await his.server.as_("gp")
    way = card["links"][0]["url"].partition("?")[2]
    assert way == f"card={card['uuid']}"
    opened = await gp.get(f"/fhir/Patient/p1/$card-referral?{way}")
    assert opened.status_code == 200, opened.text
    draft = opened.json()
    assert (draft["resourceType"], draft["subject"], draft["status"]) == ("ServiceRequest", {"reference": "Patient/p1"}, "draft")
    assert "188 mmHg" in draft["reasonCode"][0]["text"]
    assert draft["category"][0]["coding"][0]["code"] == "up"
    refused = [
        await gp.get(f"/fhir/Patient/p2/$card-referral?{way}"),  # it was about somebody else
        await gp.get(f"/fhir/Patient/p1/$card-referral?card={uuid4()}"),
        await gp.get("/fhir/Patient/p1/$card-referral?card=one"),
        await (await his.server.as_("gp2")).get(f"/fhir/Patient/p1/$card-referral?{way}"),  # the address is no right
    ]
    assert [one.status_code for one in refused] == [404] * 4
    assert "reasonReference" not in card["suggestions"][0]["actions"][0]["resource"], "our ids stay out of another's system"


async def test_what_only_the_asking_system_knew_is_not_in_what_its_card_opens(his: Hospital) -> None:
    high = of_now(record.pressure(188, 112), "555")
    [card] = cards(await his.post(VIEW, call("patient-view", prefetch=along(high, identifier=FILE))))
    gp = await his.server.as_("gp")
    draft = (await gp.get(f"/fhir/Patient/p1/$card-referral?card={card['uuid']}")).json()
    assert draft["reasonCode"][0]["coding"][0]["system"] == urls.REFERRAL_REASON
    assert "188" not in json.dumps(draft)


async def test_another_institutions_system_learns_nothing_of_our_patient(server: Server) -> None:
    his = await Hospital(server).register(institution="Organization/liuhe")
    await store(server, of_now(record.pressure(188, 112)))
    assert cards(await his.post(VIEW, call("patient-view", prefetch=along(identifier=FILE)))) == []
    at_home = call("patient-view", context={"patientId": "p1"}, fhirServer=f"{ORIGIN}/fhir")
    assert (await his.post(VIEW, at_home)).status_code == 404


async def test_at_our_own_server_its_token_decides_what_is_read(his: Hospital) -> None:
    await store(his.server, of_now(record.pressure(188, 112)))
    for who, expected in (("gp", 200), ("gp2", 403), ("county", 403)):
        await his.server.as_(who)
        authorization = {
            "access_token": his.server.tokens[who],
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/*.rs",
            "subject": HIS,
        }
        body = call("patient-view", context={"patientId": "p1"}, fhirServer=f"{ORIGIN}/fhir", fhirAuthorization=authorization)
        answer = await his.post(VIEW, body)
        assert answer.status_code == expected, answer.text
    assert (await his.post(VIEW, call("patient-view", context={"patientId": "p1"}, fhirServer=f"{ORIGIN}/fhir"))).status_code == 200


async def test_what_is_about_somebody_else_or_not_sound_is_left_out_and_told(his: Hospital) -> None:
    mine, others = of_now(record.pressure(188, 112), "555"), of_now(record.condition("I21.9", days=1), "556")
    broken = {**of_now(record.pressure(190, 90), "555"), "status": "perhaps"}
    [card] = cards(await his.post(VIEW, call("patient-view", prefetch=along(mine, others, broken))))
    assert "2 项" in card["detail"]


async def test_a_signed_referral_is_checked_and_never_stopped(his: Hospital) -> None:
    high = of_now(record.pressure(188, 112), "555")
    both = drafts(draft(), {**draft(id="x-ray"), "category": [{"text": "检查"}]})
    [card] = cards(await his.post(SIGN, call("order-sign", context={"draftOrders": both}, prefetch=along(high))))
    changed = card["suggestions"][0]["actions"][0]
    assert changed["type"] == "update"
    assert changed["resource"]["id"] == "draft-1"
    assert changed["resource"]["reasonCode"][0]["coding"][0]["code"] == "critical-beyond-capability"
    [card] = cards(await his.post(SIGN, call("order-sign", context={"draftOrders": drafts(draft())}, prefetch=along())))
    assert card["indicator"] == "info"
    assert "不影响提交" in card["detail"]
    down = call("order-sign", context={"draftOrders": drafts(draft("down"))}, prefetch=along(high))
    assert all("上转" not in one["summary"] for one in cards(await his.post(SIGN, down)))
    assert cards(await his.post(SIGN, call("order-sign", context={"draftOrders": drafts()}, prefetch=along(high)))) == []


async def test_only_selected_orders_count_while_they_are_chosen(his: Hospital) -> None:
    high = of_now(record.pressure(188, 112), "555")
    for chosen, expected in (["ServiceRequest/draft-1"], 1), (["ServiceRequest/other"], 0), ([], 0):
        context = {"draftOrders": drafts(draft()), "selections": chosen}
        assert len(cards(await his.post(SELECT, call("order-select", context=context, prefetch=along(high))))) == expected


@pytest.mark.parametrize(("change", "status"), [
    ({"hook": "order-sign"}, 400),
    ({"hookInstance": "one"}, 400),
    ({"context": {"userId": "x"}}, 400),
    ({"fhirAuthorization": {"access_token": "x"}}, 400),
    ({"prefetch": {"patient": 5}}, 400),
    ({"prefetch": None}, 412),
    ({"prefetch": {"patient": {"resourceType": "Patient", "id": "555", "gender": "perhaps"}}}, 412),
])  # fmt: skip
async def test_a_call_that_is_not_as_its_hook_says_is_refused(his: Hospital, change: Json, status: int) -> None:
    assert (await his.post(VIEW, {**call("patient-view", prefetch=along()), **change})).status_code == status


async def test_who_cannot_prove_itself_is_not_let_in(his: Hospital) -> None:
    body = call("patient-view", prefetch=along())
    other = Hospital(his.server)
    now = int(datetime.now(UTC).timestamp())
    for statement in (
        "nonsense",
        other.statement(VIEW),
        his.statement(VIEW, iss="https://another.example"),
        his.statement(SIGN),
        his.statement(VIEW, exp=now - 60),
        his.statement(VIEW, exp=now + 3600),
        his.statement(VIEW, jti=None),
        his.statement(VIEW, header={"jku": "https://evil.example/keys"}),
    ):
        answer = await his.post(VIEW, body, statement)
        assert answer.status_code == 401, statement
        assert "www-authenticate" in answer.headers
    once = his.statement(VIEW)
    assert [(await his.post(VIEW, body, once)).status_code for _ in range(2)] == [200, 401], "a statement is good once"
    async with his.server.nobody() as client:
        assert (await client.post(f"/cds-services/{VIEW}", json=body)).status_code == 401
    assert (await his.post("nothing", body)).status_code == 404


async def test_feedback_is_kept_for_cards_that_were_given(his: Hospital) -> None:
    [card] = cards(await his.post(VIEW, call("patient-view", prefetch=along(of_now(record.pressure(188, 112), "555")))))
    at = datetime.now(UTC).isoformat(timespec="seconds")
    reason = {"reason": {"code": "managed-here", "system": card["overrideReasons"][0]["system"]}, "userComment": "先调整用药"}
    overridden = {"card": card["uuid"], "outcome": "overridden", "overrideReason": reason, "outcomeTimestamp": at}
    accepted = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
        "outcomeTimestamp": at,
    }
    answer = await his.post(f"{VIEW}/feedback", {"feedback": [overridden, accepted]})
    assert answer.status_code == 200, answer.text
    told = "string_agg(f.outcome || ' ' || f.reason || ' ' || c.url, '; ' order by nth)"
    kept = f"select {told} from cds_feedback f join cds_card c on c.id = f.card"
    url = f"{urls.BASE}PlanDefinition/criterion-hypertension-severe"
    assert await his.server.value(kept) == f"overridden managed-here {url}; accepted  {url}"
    stranger = {**overridden, "card": str(uuid4())}
    assert (await his.post(f"{VIEW}/feedback", {"feedback": [overridden, stranger]})).status_code == 404
    assert (await his.post(f"{SIGN}/feedback", {"feedback": [overridden]})).status_code == 404, "given by another service"
    changes = ({"outcome": "liked"}, {"outcome": "accepted"}, {"outcomeTimestamp": "yesterday"}, {"card": "one"})
    for wrong in ({}, {"feedback": []}, *({"feedback": [{**overridden, **change}]} for change in changes)):
        assert (await his.post(f"{VIEW}/feedback", wrong)).status_code == 400
    assert await his.server.value("select count(*) from cds_feedback") == 2, "all or nothing"
