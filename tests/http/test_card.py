"""The health card over HTTP: shown by its holder, scanned once, refused in every other way, and traced."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.http.desks import OTHER_RESIDENT, claims_of, code_of, coding, may_read, open_desks, opened, parameters, part, scan, show, signed
from tests.http.house import RESIDENT, Server
from yilian import policy
from yilian.command import card as command
from yilian.config import Settings
from yilian.identity import card, card_code, card_keys
from yilian.identity.card_code import CardRefused, Claims, PublicKey

RACERS = 50


@pytest.fixture(autouse=True)
async def desks(server: Server) -> None:
    await open_desks(server)


async def grounds_of(server: Server, kind: str = "visit") -> int:
    return int(await server.value("select count(*) from access_ground where kind = $1", kind))


async def trail_of(server: Server, outcome: str) -> int:
    return int(await server.value("select count(*) from audit_event where operation = 'scan-card' and outcome = $1", outcome))


async def rest_notes(server: Server) -> int:
    """Rows of the trail but those of sign-ins."""
    return int(await server.value("select count(*) from audit_event where type = 'rest'"))


# --- shown and scanned


async def test_a_desk_that_scans_the_card_reads_who_showed_it(server: Server) -> None:
    assert not await may_read(server, "desk")
    answer = await scan(server, await code_of(server))
    assert answer.status_code == 200, answer.text
    assert part(answer, "patient")["id"] == "p1"
    assert await may_read(server, "desk")


async def test_a_scan_leaves_one_row_in_the_trail_and_one_ground(server: Server) -> None:
    before = await rest_notes(server)
    code = await code_of(server)
    issued = await rest_notes(server)
    assert issued - before == 1, "that a card was issued"
    assert (await scan(server, code)).status_code == 200
    assert await rest_notes(server) - issued == 1
    row = await server.value(
        "select row_to_json(e)::text from audit_event e join resource r on r.rid = e.patient"
        " where e.operation = 'scan-card' and e.ground = 'visit' and e.institution = 'Organization/county' and r.id = 'p1'"
    )
    assert row is not None
    assert await grounds_of(server) == 1
    assert (await scan(server, await code_of(server))).status_code == 200
    assert await grounds_of(server) == 1, "the second visit of the day makes it last longer"


async def test_the_holder_reads_in_the_own_log_which_desk_scanned_the_card(server: Server) -> None:
    await scan(server, await code_of(server))
    async with await server.as_(RESIDENT) as client:
        events = (await client.get("/fhir/AuditEvent?patient=Patient/p1&_count=50")).json()
    texts = [entry["resource"] for entry in events["entry"] if "scan-card" in str(entry["resource"])]
    assert len(texts) == 1
    assert "Organization/county" in str(texts[0])


async def test_the_ground_ends_by_itself(server: Server) -> None:
    await scan(server, await code_of(server))
    assert await server.value(
        "select until > now() + interval '23 hours' and until <= now() + interval '24 hours' from access_ground where kind = 'visit'"
    )
    async with opened(server) as db, db.transaction() as tx:
        await tx.execute("update access_ground set until = now() - interval '1 second' where kind = 'visit'")
    assert not await may_read(server, "desk")


async def test_only_the_institution_that_scanned_reads(server: Server) -> None:
    code = await code_of(server)
    assert (await scan(server, code, "desk")).status_code == 200
    assert not await may_read(server, "desk-first")
    again = await scan(server, code, "desk-first")
    assert (again.status_code, coding(again)) == (409, "card-used")
    assert not await may_read(server, "desk-first")


async def test_the_institution_of_the_patient_may_still_change_the_record(server: Server) -> None:
    await scan(server, await code_of(server))
    async with await server.as_("gp") as client:
        patient = (await client.get("/fhir/Patient/p1")).json()
        patient["telecom"] = [{"system": "phone", "value": "16900000001"}]
        assert (await client.put("/fhir/Patient/p1", json=patient)).status_code == 200
    assert await may_read(server, "desk")


# --- refused


async def test_a_code_opens_something_once_however_many_come_at_the_same_moment(server: Server) -> None:
    code = await code_of(server)
    clients = [await server.as_("desk" if nth % 2 else "desk-first") for nth in range(RACERS)]
    answers = await asyncio.gather(*(client.post("/fhir/Patient/$scan-card", json=parameters(code=code)) for client in clients))
    for client in clients:
        await client.aclose()
    assert sorted(one.status_code for one in answers) == [200] + [409] * (RACERS - 1)
    assert {coding(one) for one in answers if one.status_code == 409} == {"card-used"}
    assert await grounds_of(server) == 1
    assert (await trail_of(server, "0"), await trail_of(server, "4")) == (1, RACERS - 1)
    assert await may_read(server, "desk") != await may_read(server, "desk-first")


async def test_a_forged_code_opens_nothing(server: Server) -> None:
    code = await code_of(server)
    claims = await claims_of(server, code, datetime.now(UTC))
    async with opened(server) as db, db.transaction() as tx:
        ours = await card_keys.signing(tx)
    stranger = card_code.generated("ES256")
    token = card_code.token_of(code)
    head, payload, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    public = ours.key.as_pem(private=False)
    start = b64(json.dumps({"alg": "HS256", "kid": ours.kid, "typ": "hc"})) + f".{payload}"
    mac = urlsafe_b64encode(hmac.digest(public, start.encode(), "sha256")).decode().rstrip("=")
    unsigned = b64(json.dumps({"alg": "none", "kid": ours.kid, "typ": "hc"})) + f".{payload}."
    other_card = jws_payload(replace(claims, card="1" * 16)).decode()
    longer_life = jws_payload(replace(claims, expires=claims.expires + timedelta(hours=1))).decode()
    forged = {
        "a changed signature": f"{head}.{payload}.{signature[:10]}{other}{signature[11:]}",
        "another card under the signature of this one": f"{head}.{b64(other_card)}.{signature}",
        "a longer life under the signature": f"{head}.{b64(longer_life)}.{signature}",
        "a stranger's key under our kid": card_token(card_code.sign(claims, PublicKey(ours.kid, "ES256", stranger))),
        "HS256 with our public key as the secret": f"{start}.{mac}",
        "Ed25519 under our kid": card_token(card_code.sign(claims, PublicKey(ours.kid, "Ed25519", card_code.generated("Ed25519")))),
        "none, with a signature that is not empty": unsigned + signature,
    }
    for what, one in forged.items():
        answer = await scan(server, card_code.digits_of(one))
        assert (answer.status_code, coding(answer)) == (422, "card-forged"), what
    assert (await scan(server, card_code.digits_of(unsigned))).status_code == 422
    elsewhere = await scan(server, card_code.sign(claims, PublicKey("elsewher", "ES256", stranger)))
    assert (elsewhere.status_code, coding(elsewhere)) == (422, "card-other-region")
    assert await grounds_of(server) == 0
    assert not await may_read(server, "desk")
    assert (await scan(server, code)).status_code == 200, "the true one was not used up"


async def test_a_code_of_another_region_is_told_from_a_forged_one(server: Server) -> None:
    claims = await claims_of(server, await code_of(server), datetime.now(UTC))
    answer = await scan(server, await signed(server, replace(claims, region="999999")))
    assert (answer.status_code, coding(answer)) == (422, "card-other-region")


async def test_an_old_code_opens_nothing(server: Server) -> None:
    claims = await claims_of(server, await code_of(server), datetime.now(UTC))
    over = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=10)
    late = await scan(server, await signed(server, replace(claims, expires=over)))
    assert (late.status_code, coding(late)) == (422, "card-expired")


async def test_a_withdrawn_card_opens_nothing_from_that_moment(server: Server) -> None:
    code = await code_of(server)
    async with await server.as_(RESIDENT) as client:
        assert (await client.post("/fhir/Patient/p1/$withdraw-card", json=parameters())).status_code == 200
        refused = await client.post("/fhir/Patient/p1/$card", json=parameters())
        assert refused.status_code == 409
        assert "申领" in refused.text
    answer = await scan(server, code)
    assert (answer.status_code, coding(answer)) == (409, "card-withdrawn")
    fresh = await code_of(server)
    assert (await scan(server, code)).status_code == 409, "a new card does not revive the codes of the old one"
    assert (await scan(server, fresh)).status_code == 200


async def test_what_is_no_code_is_said_to_be_none(server: Server) -> None:
    for text in ("11010519491231002X", "0" * 400, "9" * 2002, "12" * 100, "https://example.com/card", "１２" * 100):
        answer = await scan(server, text)
        assert (answer.status_code, coding(answer)) == (422, "card-no-card"), text[:20]


async def test_who_is_no_registrar_scans_nothing(server: Server) -> None:
    code = await code_of(server)
    for who in ("gp", "county", "office", "admin", "resident", "bench"):
        assert (await scan(server, code, who)).status_code == 403, who
    assert await trail_of(server, "0") == 0
    assert (await scan(server, code)).status_code == 200


async def test_a_card_is_shown_by_its_holder_alone(server: Server) -> None:
    await code_of(server)
    for who, status in (("gp", 403), ("bench", 403), ("admin", 403), ("desk", 403), (OTHER_RESIDENT, 404)):
        for operation in ("$card", "$withdraw-card"):
            async with await server.as_(who) as client:
                answer = await client.post(f"/fhir/Patient/p1/{operation}", json=parameters())
            assert answer.status_code == status, (who, operation)
    assert await server.value("select count(*) from health_card where withdrawn is null") == 1


# --- the code itself


async def test_no_name_and_no_identifier_stands_in_a_code(server: Server) -> None:
    answer = await show(server)
    code = str(part(answer, "code"))
    assert code.isascii()
    assert code.isdigit(), "what a scanner types goes through any input method"
    token = card_code.token_of(code)
    clear = unb64(token.split(".")[0]) + unb64(token.split(".")[1])
    async with await server.as_(RESIDENT) as client:
        patient = (await client.get("/fhir/Patient/p1")).json()
    rid = await server.value("select rid from resource where id = 'p1'")
    for told in ("p1", patient["name"][0]["text"], patient["birthDate"], patient["birthDate"].replace("-", ""), f'"{rid}"'):
        assert told not in clear
    picture = part(answer, "qr")
    assert picture["contentType"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "private, no-store"


async def test_two_codes_of_a_card_differ_and_both_are_good(server: Server) -> None:
    first, second = await code_of(server), await code_of(server)
    assert first != second
    assert (await scan(server, first)).status_code == 200
    assert (await scan(server, second, "desk-first")).status_code == 200


async def test_two_pages_that_apply_at_once_get_one_card(server: Server) -> None:
    pages = [await server.as_(RESIDENT) for _ in range(8)]
    answers = await asyncio.gather(*(page.post("/fhir/Patient/p1/$card", json=parameters(apply=True)) for page in pages))
    for page in pages:
        await page.aclose()
    assert {part(one, "card") for one in answers} == {part(answers[0], "card")}


async def test_a_code_is_checked_without_network_by_the_published_key(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    code = await code_of(server)
    async with server.nobody() as anybody:
        published = await anybody.get("/.well-known/health-card-keys.json")
    assert published.status_code == 200
    assert all("d" not in key for key in published.json()["keys"])
    keys = tmp_path / "keys.json"
    keys.write_bytes(published.content)
    assert command.verify(Settings(), code, keys, 60) == 0
    said = capsys.readouterr().out
    assert "签名有效" in said
    assert "重放" in said, "it says what it cannot know"
    with pytest.raises(CardRefused) as refused:
        card_code.verify(code, card_code.read_published(published.content), now=datetime.now(UTC) + timedelta(hours=1))
    assert refused.value.reason == "expired"


async def test_a_new_key_takes_over_and_the_codes_of_the_old_one_stay_good(server: Server) -> None:
    code = await code_of(server)
    async with opened(server) as db, db.transaction() as tx:
        await policy.put(tx, "card.algorithm", "Ed25519", valid_from=date(2001, 1, 1), source="test")
    async with opened(server) as db, db.transaction() as tx:
        kid = await card_keys.rotate(tx)
    fresh = await code_of(server)
    assert (await claims_of(server, fresh, datetime.now(UTC))).kid == kid
    assert (await scan(server, code)).status_code == 200
    assert (await scan(server, fresh)).status_code == 200


async def test_used_codes_are_forgotten_once_they_are_long_over(server: Server) -> None:
    await scan(server, await code_of(server))
    async with opened(server) as db, db.transaction() as tx:
        assert await card.clear(tx) == 0
        await tx.execute("update card_scan set expires = expires - interval '2 days'")
        assert await card.clear(tx) == 1


def jws_payload(claims: Claims) -> bytes:
    told = {"iss": claims.region, "sub": claims.card, "exp": int(claims.expires.timestamp()), "jti": claims.nonce}
    return json.dumps(told, separators=(",", ":")).encode()


def b64(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unb64(part: str) -> str:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def card_token(code: str) -> str:
    return card_code.token_of(code)
