"""`yilian provider`."""

from __future__ import annotations

from pathlib import Path

from tests.house.commanded import yilian
from tests.house.test_job_commands import dsn, house
from tests.writing import put
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.db import Database

__all__ = ["dsn", "house"]

ASKED = ("--name", "青石镇卫生院", "--issuer", "https://sign-in.example", "--client-id", "yilian", "--institution", "Organization/qingshi")


async def test_a_provider_is_set_up_its_people_linked_from_a_list_and_removed(dsn: str, house: Database, tmp_path: Path) -> None:
    async with house.transaction() as tx:
        await put(tx, {"resourceType": "Organization", "id": "qingshi", "name": "青石镇卫生院"})
        for name in ("gp", "head"):
            await accounts.add(tx, name, None, display=name, agent=f"Practitioner/{name}", posts=[Post("gp", "Organization/qingshi")])
    here = ("--database-url", dsn)
    code, out, err = await yilian("provider", "add", "hospital", *ASKED, "--first-time", *here)
    assert code == 0, err
    assert "/oauth2/provider/hospital/back" in out
    people = tmp_path / "people.csv"
    people.write_text("user,subject\ngp,s-1\nhead,s-2\nnobody,s-3\n", encoding="utf-8")
    code, _, err = await yilian("provider", "link", "hospital", "--file", str(people), *here)
    assert code == 1
    assert "line 4" in err
    async with house.reading() as tx:
        assert await tx.fetchval("select count(*) from account_link") == 0, "all or none"
    people.write_text("user,subject\ngp,s-1\nhead,s-2\n", encoding="utf-8")
    code, out, err = await yilian("provider", "link", "hospital", "--file", str(people), *here)
    assert (code, out) == (0, "2 linked.\n"), err
    _, out, _ = await yilian("provider", "list", "hospital", *here)
    assert "s-2" in next(line for line in out.splitlines() if "head" in line)
    assert (await yilian("provider", "unlink", "hospital", "--user", "head", *here))[0] == 0
    assert (await yilian("provider", "remove", "hospital", *here))[0] == 0
    _, out, _ = await yilian("provider", "list", *here)
    assert any("hospital" in line and "removed" in line for line in out.splitlines())


async def test_what_is_wrong_is_told_in_a_sentence(dsn: str, house: Database, tmp_path: Path) -> None:
    here = ("--database-url", dsn)
    for arguments in (
        ("provider", "add", "Hospital!", *ASKED),
        ("provider", "add", "hospital", *ASKED),
        ("provider", "link", "hospital", "--user", "gp", "--subject", "s"),
        ("provider", "link", "hospital", "--file", str(tmp_path / "missing.csv")),
        ("provider", "remove", "hospital"),
    ):
        code, _, err = await yilian(*arguments, *here)
        assert code != 0, arguments
        assert err.strip()
        assert "Traceback" not in err
