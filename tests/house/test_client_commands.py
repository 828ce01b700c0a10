"""`yilian client` and `yilian token-key`."""

from __future__ import annotations

import json
from pathlib import Path

from joserfc.jwk import ECKey

from tests.house.commanded import yilian
from tests.house.test_job_commands import dsn, house
from yilian.db import Database

__all__ = ["dsn", "house"]


async def test_an_application_is_registered_with_its_public_key_listed_and_disabled(dsn: str, house: Database, tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256")
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [{**key.as_dict(private=True), "kid": "k1"}]}))
    asked = ("client", "add", "his", "--scope", "system/*.read", "--grant", "client_credentials", "--keys", str(file))
    code, out, err = await yilian(*asked, "--database-url", dsn)
    assert (code, out) == (0, "Application his registered.\n"), err
    async with house.reading() as tx:
        kept = await tx.fetchval("select jwks from client where id = 'his'")
    assert [one["kid"] for one in json.loads(kept)["keys"]] == ["k1"]
    assert '"d"' not in kept, "the private part is not kept"
    _, out, _ = await yilian("client", "list", "--database-url", dsn)
    assert any("his" in line and "its key" in line for line in out.splitlines())
    assert (await yilian("client", "disable", "his", "--database-url", dsn))[0] == 0
    _, out, _ = await yilian("client", "list", "--database-url", dsn)
    assert any("his" in line and "disabled" in line for line in out.splitlines())


async def test_keys_that_cannot_be_read_are_told_and_nothing_is_registered(dsn: str, house: Database, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{}")
    for path in (file, tmp_path / "missing.json"):
        asked = ("client", "add", "his", "--scope", "system/*.read", "--grant", "client_credentials", "--keys", str(path))
        code, _, err = await yilian(*asked, "--database-url", dsn)
        assert code != 0
        assert "key" in err.lower()
        assert "Traceback" not in err
    async with house.reading() as tx:
        assert await tx.fetchval("select count(*) from client where id = 'his'") == 0


async def test_the_next_signing_key_is_made_once_and_a_leaked_one_is_replaced_at_once(dsn: str, house: Database) -> None:
    code, out, err = await yilian("token-key", "rotate", "--database-url", dsn)
    assert code == 0, err
    assert "signs in 15 minutes" in out
    code, _, err = await yilian("token-key", "rotate", "--database-url", dsn)
    assert code != 0
    assert "has been made already" in err
    code, out, _ = await yilian("token-key", "rotate", "--leaked", "--database-url", dsn)
    assert code == 0
    async with house.reading() as tx:
        (row,) = await tx.fetch("select kid from signing_key")
    _, listed, _ = await yilian("token-key", "list", "--database-url", dsn)
    assert row["kid"] in out
    assert row["kid"] in listed
