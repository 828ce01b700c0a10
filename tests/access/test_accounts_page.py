"""docs/reference/accounts.md tells of every rule and every address, with the values they have."""

from __future__ import annotations

import re
from pathlib import Path

from tests.access.conftest import House
from yilian import policy

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "accounts.md").read_text(encoding="utf-8")


def test_every_rule_is_listed_with_its_shipped_value() -> None:
    listed = dict(re.findall(r"^\| `(access\.\w+)` \| `(.+?)` \|", PAGE, re.M))
    shipped = {name: one.value for name, one in policy.defaults().items() if name.startswith("access.")}
    assert listed == {name: str(value).replace("'", '"') for name, value in shipped.items()}


async def test_every_address_is_listed(house: House) -> None:
    async with house.browser() as browser:
        routes = {route.path for route in browser._transport.app.routes}  # type: ignore[attr-defined]
    ours = {path for path in routes if path.startswith(("/oauth2/sign-", "/oauth2/account"))}
    listed = {f"/oauth2/{path}" for path in re.findall(r"`/oauth2/([\w\-/{}]+)", PAGE)}
    assert listed - {"/oauth2/accounts/{name}/posts", "/oauth2/accounts/{name}/disable"} == ours - {"/oauth2/accounts/{name}/{act}"}
