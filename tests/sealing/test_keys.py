"""Suites, master key and single values: what is sealed opens where it stands, with the right key, and nowhere else."""

from __future__ import annotations

import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as some

from yilian import app, config
from yilian.errors import BadRequest, InvalidResource, NotSupported, Unavailable
from yilian.fhir import urls
from yilian.fhir.json import dump
from yilian.sealing import keyring, master, personal
from yilian.sealing.keyring import Keyring, opened, unseal
from yilian.sealing.master import KeyUnusable
from yilian.sealing.suites import SUITES
from yilian.search.query import parse
from yilian.store import data_keys, find
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]


def ring(suite: str = "aes", folder: Path | None = None) -> Keyring:
    """Keys of a database that is not there."""
    assert folder is not None
    file = folder / "master.key"
    master.make(file)
    rows = []
    for purpose in keyring.PURPOSES:
        id, _, _, state, wrapped = data_keys._new(master.read(file), suite, purpose)
        made = {"id": id, "suite": suite, "purpose": purpose, "state": state, "wrapped": wrapped}
        rows.append({**made, "created": datetime(2026, 11, 23, tzinfo=UTC), "plain": False})
    found = Keyring("", file)
    found.load(rows)
    return found


def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    # RFC 8998, appendix A.1
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    nonce = bytes.fromhex("00001234567800000000abcd")
    about = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    text = bytes.fromhex("".join(16 * letter for letter in "abcdefea"))
    sealed = SUITES["sm"].sealer(key).encrypt(nonce, text, about)
    assert sealed[-16:].hex() == "83de3541e4c2b58177e065a9bf7b62ec"
    assert sealed[:16].hex() == "17f399f08c67d5ee19d0dc9969c4bb7d"
    assert SUITES["sm"].sealer(key).decrypt(nonce, sealed, about) == text


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_changed_by_one_bit_does_not_open(suite: str) -> None:
    made = SUITES[suite]
    sealer = made.sealer(bytes(made.key_bytes))
    sealed = sealer.encrypt(bytes(12), b"110101199001011237", b"here")
    for place in range(len(sealed)):
        with pytest.raises(InvalidTag):
            sealer.decrypt(bytes(12), sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], b"here")
    with pytest.raises(InvalidTag):
        sealer.decrypt(bytes(12), sealed[:8], b"here")


PATIENT: Json = {
    "resourceType": "Patient",
    "id": "a",
    "identifier": [{"system": urls.RESIDENT_ID, "value": "110101199001011237"}, {"value": "7"}],
    "telecom": [{"system": "phone", "value": '138 "0013" 8000'}, {"system": "url", "value": "https://a.example"}],
    "multipleBirthInteger": 7,
}


@pytest.mark.parametrize("suite", SUITES)
def test_numbers_and_telephones_are_sealed_and_open_to_the_byte(suite: str, tmp_path: Path) -> None:
    keys = ring(suite, tmp_path)
    text = dump(PATIENT).decode()
    sealed = keys.seal_body(5, "Patient", PATIENT, text)
    assert "110101199001011237" not in sealed
    assert "0013" not in sealed
    assert "https://a.example" in sealed
    assert sealed.count("\ufdd0") == 3
    assert opened(5, sealed) == text


def test_a_value_opens_only_where_it_stands(tmp_path: Path) -> None:
    keys = ring("aes", tmp_path)
    sealed = keys.seal_body(5, "Patient", PATIENT, dump(PATIENT).decode())
    with pytest.raises(Unavailable):
        opened(6, sealed)
    with pytest.raises(Unavailable):
        opened(5, sealed.replace("\ufdd0\ufdd1", "7", 1))
    with pytest.raises(Unavailable):
        opened(5, sealed + "\ufdd0\ufdd1")
    half = len(sealed.partition("\ufdd1")[0]) // 2
    with pytest.raises(Unavailable):
        opened(5, sealed[:half] + ("A" if sealed[half] != "A" else "B") + sealed[half + 1 :])
    token = keys.seal(b"x", "totp.secret|gp")
    assert unseal(token, "totp.secret|gp") == b"x"
    with pytest.raises(Unavailable):
        unseal(token, "totp.secret|gp2")


def test_a_value_is_blinded_for_its_parameter_and_under_its_key(tmp_path: Path) -> None:
    keys = ring("sm", tmp_path)
    assert keys.blind(1, "x") == keys.blind(1, "x") == keys.blinds(1, "x")[0]
    assert len({keys.blind(1, "x"), keys.blind(2, "x"), keys.blind(1, "y")}) == 3
    (tmp_path / "b").mkdir()
    assert ring("sm", tmp_path / "b").blind(1, "x") != keys.blind(1, "x")


words = some.text(some.characters(blacklist_categories=("Cs",), blacklist_characters="\ufdd0\ufdd1"), min_size=1, max_size=20)
numbers = words | some.from_regex(r"1[3-9]\d{9}|\d{17}[\dX]|value|Patient|\d{1,6}", fullmatch=True)


@given(some.lists(numbers, max_size=4), some.lists(numbers, max_size=3), numbers, some.integers(0, 10**12))
def test_whatever_is_sealed_opens_to_what_it_was(tmp_path_factory: Any, ids: list[str], phones: list[str], name: str, number: int) -> None:
    keys = KEYS.get("one") or KEYS.setdefault("one", ring("aes", tmp_path_factory.mktemp("keys")))
    keys._looked = time.monotonic()  # there is no database to read them from anew, however slow this machine is
    patient = {
        "resourceType": "Patient",
        "identifier": [{"value": one, "system": "urn:a"} for one in ids],
        "telecom": [{"system": "phone", "value": one} for one in phones],
        "name": [{"text": name + "".join(phones), "given": [*phones, name]}],
        "extension": [{"url": f"urn:{name}", "valueDecimal": number}, {"url": "x", "valueString": f"{name} {''.join(ids)} {number}"}],
    }
    text = dump(patient).decode()
    sealed = keys.seal_body(9, "Patient", patient, text)
    assert opened(9, sealed) == text
    json.loads(sealed)  # what is stored is JSON
    for one in (*ids, *phones):
        assert f'"value":{dump(one).decode()}' not in sealed


KEYS: dict[str, Keyring] = {}


def test_a_master_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "region.key"
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: master.make(file), range(8))) == 1
    assert [one.name for one in file.parent.iterdir()] == ["region.key"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        master.read(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(KeyUnusable, match="no master key"):
        master.read(file)


async def test_a_database_is_not_opened_without_its_master_key_nor_with_another(dsn: str, tmp_path: Path) -> None:
    settings = config.Settings(data=tmp_path)
    await app.prepare(settings, dsn)
    kept = settings.key_path.read_bytes()
    settings.key_path.unlink()
    with pytest.raises(KeyUnusable, match="There is no master key"):
        await app.prepare(settings, dsn)
    assert not settings.key_path.exists()
    master.make(settings.key_path)
    with pytest.raises(KeyUnusable, match="not the one"):
        await app.prepare(settings, dsn)
    with pytest.raises(KeyUnusable):
        await app.database(settings, dsn).open()
    settings.key_path.write_bytes(kept)
    await app.prepare(settings, dsn)


async def test_a_server_on_a_database_of_its_own_makes_no_master_key(dsn: str, tmp_path: Path) -> None:
    settings = config.Settings(data=tmp_path, database_url=dsn)
    with pytest.raises(KeyUnusable, match="yilian key new"):
        await app.prepare(settings, dsn)
    assert not settings.key_path.exists()


async def test_after_wrapping_anew_the_other_master_key_opens_everything(dsn: str, tmp_path: Path) -> None:
    settings = config.Settings(data=tmp_path)
    await app.prepare(settings, dsn)
    db = app.database(settings, dsn)
    await db.open()
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "a", PATIENT)])
    another = tmp_path / "another.key"
    master.make(another)
    async with db.transaction() as tx:
        assert await data_keys.rewrap(tx, another) == 3
    db.ring.look_again()  # a server that runs goes on
    await db.close()
    with pytest.raises(KeyUnusable):
        await app.database(settings, dsn).open()
    changed = config.Settings(data=tmp_path, key_file=str(another))
    await app.prepare(changed, dsn)
    db = app.database(changed, dsn)
    await db.open()
    async with db.transaction() as tx:
        found = await find.only(tx, SYSTEM, "Patient", [("identifier", "110101199001011237")])
    await db.close()
    assert found is not None


async def test_what_cannot_be_done_with_sealed_values_is_refused(dsn: str, tmp_path: Path) -> None:
    settings = config.Settings(data=tmp_path)
    await app.prepare(settings, dsn)
    db = app.database(settings, dsn)
    await db.open()
    try:
        async with db.transaction() as tx:
            zone = config.Settings().region_zone
            with pytest.raises(NotSupported, match="sealed"):
                await find.find(tx, SYSTEM, parse("Patient", [("_sort", "identifier")], zone=zone))
            with pytest.raises(BadRequest, match="no such modifier"):
                await find.find(tx, SYSTEM, parse("Patient", [("identifier:contains", "1101")], zone=zone))
            with pytest.raises(InvalidResource, match="U\\+FDD0"):
                await write(tx, SYSTEM, [Change("PUT", "Patient", "b", {"resourceType": "Patient", "name": [{"text": "\ufdd0x"}]})])
    finally:
        await db.close()


def test_the_listed_systems_are_those_that_are_one_persons_alone() -> None:
    from yilian.identity.identifiers import SYSTEMS

    theirs = {system for system, kind in SYSTEMS.items() if kind.alone == "person"} | {urls.PASSPORT}
    assert theirs == personal.LISTED
