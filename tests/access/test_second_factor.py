"""A second factor: enrolled, asked for, refused twice, lost. RFC 6238; GB/T 22239-2019 8.1.4.1 d)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests.access.conftest import ORIGIN, PASSWORD, House
from tests.access.journey import answered, authorize, redeem, sign_in
from yilian.access.factors import sealing, totp
from yilian.errors import Unavailable

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


async def post(browser: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await browser.post(f"/oauth2/{path}", json=body, headers={"origin": ORIGIN})


async def enrolled(people: House, browser: httpx.AsyncClient, who: str = "gp") -> tuple[str, list[str]]:
    """The secret of a new app and the recovery codes, of somebody who is signed in at this browser."""
    made = (await post(browser, "account/app", password=PASSWORD)).json()
    done = await post(browser, "account/app/confirm", code=totp.code_at(made["secret"], people.clock()))
    assert done.status_code == 200, done.text
    return made["secret"], done.json()["recoveryCodes"]


def test_codes_are_those_of_the_rfc() -> None:
    """RFC 6238 appendix B, SHA-1, cut to six digits."""
    expected = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
    for seconds, code in expected.items():
        assert totp.code_at(RFC_SECRET, datetime.fromtimestamp(seconds, UTC)) == code


@given(st.integers(0, 2**33), st.integers(-100, 100))
def test_a_code_is_good_half_a_minute_early_and_late_and_no_longer(seconds: int, off: int) -> None:
    secret = base64.b32decode(RFC_SECRET)
    now = datetime.fromtimestamp(seconds + 100, UTC)
    code = totp.code_at(RFC_SECRET, now + timedelta(seconds=off))
    steps = abs(int((now + timedelta(seconds=off)).timestamp()) // 30 - int(now.timestamp()) // 30)
    found = totp.step_of(secret, code, now)
    if steps <= 1:
        assert found is not None
    elif found is not None:  # one in 330,000 codes is that of a neighbouring step too
        assert totp.code_at(RFC_SECRET, datetime.fromtimestamp(found * 30, UTC)) == code


async def test_an_app_is_asked_for_from_the_first_good_code_on(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        assert (await post(browser, "account/app", password="wrong")).status_code == 400
        made = (await post(browser, "account/app", password=PASSWORD)).json()
        assert made["uri"].startswith("otpauth://totp/")
        assert made["picture"].startswith("data:image/svg+xml")
        assert (await sign_in(browser, "gp")).status_code == 204, "not confirmed: does not count"
        assert (await post(browser, "account/app/confirm", code="000000")).status_code == 400
        codes = (await post(browser, "account/app/confirm", code=totp.code_at(made["secret"], people.clock()))).json()["recoveryCodes"]
        assert len(set(codes)) == 10
        assert (await post(browser, "account/app", password=PASSWORD)).status_code == 409
        people.clock.move(minutes=1)
        assert (await sign_in(browser, "gp")).json() == {"next": "second-factor"}
        assert (await authorize(browser)).headers["location"].startswith("/sign-in?")
        before = browser.cookies["yilian-session"]
        done = await post(browser, "sign-in/second-factor", code=totp.code_at(made["secret"], people.clock()))
        assert done.status_code == 204
        assert browser.cookies["yilian-session"] != before
        code = answered(await authorize(browser, nonce="n"))["code"]
        id_token = (await redeem(browser, code)).json()["id_token"].split(".")[1]
        assert b'"amr":["pwd","otp","mfa"]' in base64.urlsafe_b64decode(id_token + "==")


async def test_the_secret_is_sealed_and_opens_for_its_account_alone(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        secret, codes = await enrolled(people, browser)
    raw = base64.b32decode(secret)
    sealed = await people.value("select secret from totp")
    assert raw not in sealed
    async with people.db.reading() as tx:
        assert sealing.unseal(tx, sealed, "gp") == raw
        with pytest.raises(Unavailable):
            sealing.unseal(tx, sealed, "gp2")
    dump = await people.value("select string_agg(t::text, '') from recovery_code t")
    assert not any(code.replace("-", "") in dump for code in codes)


async def test_a_secret_an_older_version_sealed_with_the_master_key_itself_opens(people: House) -> None:
    master = people.db.ring.master
    key = base64.urlsafe_b64decode(master.file.read_bytes())
    older = b"\x01" + b"n" * 12 + AESGCM(key).encrypt(b"n" * 12, b"secret", b"gp")
    async with people.db.reading() as tx:
        assert sealing.unseal(tx, older, "gp") == b"secret"
        with pytest.raises(Unavailable):
            sealing.unseal(tx, older, "gp2")


async def test_no_code_is_good_twice_nor_an_earlier_one_after_a_later(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        secret, _ = await enrolled(people, browser)
        people.clock.move(minutes=5)
        now = totp.code_at(secret, people.clock())
        earlier = totp.code_at(secret, people.clock() - timedelta(seconds=30))
        await sign_in(browser, "gp")
        assert (await post(browser, "sign-in/second-factor", code=now)).status_code == 204
        await sign_in(browser, "gp")
        for code in (now, earlier):
            refused = await post(browser, "sign-in/second-factor", code=code)
            assert refused.status_code == 401
            assert "已使用过" in refused.text


async def test_wrong_codes_lock_the_account_although_the_password_is_right(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        secret, _ = await enrolled(people, browser)
        people.clock.move(minutes=5)
        for _ in range(5):
            assert (await sign_in(browser, "gp")).status_code == 200
            assert (await post(browser, "sign-in/second-factor", code="000000")).status_code == 401
        assert (await sign_in(browser, "gp")).status_code == 401, "locked"
        people.clock.move(minutes=16)
        assert (await sign_in(browser, "gp")).status_code == 200
        assert (await post(browser, "sign-in/second-factor", code=totp.code_at(secret, people.clock()))).status_code == 204


async def test_a_recovery_code_is_good_once(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        _, codes = await enrolled(people, browser)
        for code, status in ((codes[0], 204), (codes[0], 401), (codes[1].upper(), 204)):
            await sign_in(browser, "gp")
            assert (await post(browser, "sign-in/second-factor", code=code)).status_code == status
        mine = (await browser.get("/oauth2/account")).json()
        assert mine["secondFactor"]["recoveryCodes"] == 8
        assert (await post(browser, "account/recovery-codes", password="wrong")).status_code == 400
        new = (await post(browser, "account/recovery-codes", password=PASSWORD)).json()["recoveryCodes"]
        await sign_in(browser, "gp")
        assert (await post(browser, "sign-in/second-factor", code=codes[2])).status_code == 401
        assert (await post(browser, "sign-in/second-factor", code=new[0])).status_code == 204


async def test_another_accounts_recovery_code_opens_nothing(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        _, codes = await enrolled(people, browser)
        await sign_in(browser, "gp2")
        await enrolled(people, browser)
        await sign_in(browser, "gp2")
        assert (await post(browser, "sign-in/second-factor", code=codes[0])).status_code == 401


async def test_a_post_that_needs_a_second_factor_enrols_one_before_anything_else(people: House) -> None:
    async with people.browser() as browser:
        assert (await sign_in(browser, "admin")).json() == {"next": "enrol"}
        assert (await authorize(browser)).headers["location"].startswith("/sign-in?")
        assert (await browser.get("/oauth2/account/sessions")).status_code == 401
        mine = (await browser.get("/oauth2/account")).json()
        assert mine["secondFactor"] == {"needed": True, "app": None, "passkeys": [], "recoveryCodes": 0}
        made = (await post(browser, "account/app")).json()
        done = await post(browser, "account/app/confirm", code=totp.code_at(made["secret"], people.clock()))
        assert done.json()["next"] == ""
        assert (await authorize(browser)).headers["location"].startswith(ORIGIN)
        assert (await sign_in(browser, "gp")).status_code == 204, "others need none"
        await people.rule("second_factor_roles", ["gp"])
        assert (await sign_in(browser, "gp")).json() == {"next": "enrol"}


async def test_who_has_shown_a_password_only_learns_nothing_of_the_account(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        await enrolled(people, browser)
        await sign_in(browser, "gp")
        seen = (await browser.get("/oauth2/account")).json()
        assert seen == {"name": "gp", "display": "", "step": "second-factor", "secondFactor": {"app": True, "passkey": False}}
        for path, body in {
            "account/password": {"current": PASSWORD, "password": "Jian-hu-ren-8"},
            "account/app": {"password": PASSWORD},
            "account/app/remove": {"password": PASSWORD},
            "account/recovery-codes": {"password": PASSWORD},
            "account/sessions/end": {},
            "account/passkey-options": {"password": PASSWORD},
            "sign-in/password": {"password": "Jian-hu-ren-8"},
        }.items():
            assert (await post(browser, path, **body)).status_code == 401, path
        people.clock.move(minutes=16)
        assert (await post(browser, "sign-in/second-factor", code="000000")).status_code == 401
        assert (await browser.get("/oauth2/account")).status_code == 401, "a quarter of an hour for all steps"


async def test_an_app_is_removed_by_who_knows_the_password(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        await enrolled(people, browser)
        assert (await post(browser, "account/app/remove", password="wrong")).status_code == 400
        assert (await post(browser, "account/app/remove", password=PASSWORD)).status_code == 204
        assert (await sign_in(browser, "gp")).status_code == 204
    texts = [row["outcome_text"] for row in await people.rows("select outcome_text from audit_event where subtype = '110137' order by seq")]
    assert texts[-2:] == ["authenticator app added: gp", "authenticator app removed: gp"]
