"""docs/reference/applications.md and federation.md say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.access.conftest import House
from yilian.access import federation, fetching, key_sets, launch, providers
from yilian.access.addresses import SIGN_IN
from yilian.access.oauth import CLIENT_METHODS
from yilian.access.smart import LETTERS, rights
from yilian.http.finer import WITHIN_PARTS
from yilian.http.oauth import smart_configuration
from yilian.store.rights import SPEAKABLE

DOCS = Path(__file__).parents[2] / "docs" / "reference"
APPLICATIONS = (DOCS / "applications.md").read_text(encoding="utf-8")
FEDERATION = (DOCS / "federation.md").read_text(encoding="utf-8")


def test_every_letter_is_explained() -> None:
    assert set(re.findall(r"^\| `([a-z])` \|", APPLICATIONS, re.MULTILINE)) == set(LETTERS)


def test_the_operations_that_heed_a_condition_are_named() -> None:
    said = re.search(r"operations other than (.*?) and those on\s+terminology", APPLICATIONS, re.DOTALL)
    assert said
    assert set(re.findall(r"\$[a-z]+", said[1])) == set(WITHIN_PARTS)


def test_every_scope_that_stands_there_is_understood_and_speakable() -> None:
    for text in set(re.findall(r"`((?:user|patient|system)/[^`\s]+)`", APPLICATIONS)):
        assert rights(text, text.partition("/")[0]) is not None, text  # type: ignore[arg-type]
    for text in ("category", "http://loinc.org|1558-6", "urn:oid:1.2|", "a,b", "~+-"):
        assert SPEAKABLE.fullmatch(text)


def test_the_numbers_are_those_of_the_code() -> None:
    assert launch.GOOD_FOR.total_seconds() == 300
    assert (fetching.TIMEOUT_S, fetching.LONGEST) == (5, 128 * 1024)
    assert (key_sets.KEPT.total_seconds(), key_sets.BRAKE.total_seconds(), key_sets.STALE.total_seconds()) == (600, 30, 6 * 3600)
    assert (federation.ON_THE_WAY.total_seconds(), federation.OLDEST_S, federation.KEPT.total_seconds()) == (600, 600, 3600)
    assert SIGN_IN.setting in APPLICATIONS
    assert SIGN_IN.setting in FEDERATION
    assert providers.ID.fullmatch("first")


async def test_every_address_of_applications_is_there(house: House) -> None:
    said = set(re.findall(r"`(?:GET|POST) (/oauth2/[a-z/]+)`", APPLICATIONS))
    async with house.browser() as browser:
        there = {route.path for route in browser._transport.app.routes}  # type: ignore[attr-defined]
    assert said <= there
    assert {"/oauth2/launch", "/oauth2/launches", "/oauth2/token"} <= said


def test_the_smart_configuration_tells_what_is_there_and_no_more() -> None:
    document = smart_configuration("https://region.example")
    assert {"launch-ehr", "launch-standalone", "permission-v1", "permission-v2", "sso-openid-connect"} <= set(document["capabilities"])
    assert "permission-offline" not in document["capabilities"]
    assert "context-standalone-encounter" not in document["capabilities"]
    assert ("client-confidential-asymmetric" in document["capabilities"]) == ("private_key_jwt" in CLIENT_METHODS)
    assert document["token_endpoint_auth_methods_supported"] == CLIENT_METHODS
    for scope in document["scopes_supported"]:
        context = scope.partition("/")[0]
        assert context not in ("user", "patient", "system") or rights(scope, context) is not None, scope
