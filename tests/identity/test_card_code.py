"""The code of the health card as a value: what is signed comes back, what is changed does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from yilian.cli import main
from yilian.identity import card_code
from yilian.identity.card_code import CardRefused, Claims, PublicKey

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
CLAIMS = Claims("516600", "1234567890123456", "ABCDEFGHIJKLMNOP", NOW + timedelta(seconds=60))
KEYS = {name: PublicKey(name, algorithm, card_code.generated(algorithm)) for name, algorithm in (("es", "ES256"), ("ed", "Ed25519"))}  # type: ignore[arg-type]
CODES = {name: card_code.sign(CLAIMS, key) for name, key in KEYS.items()}


@pytest.mark.parametrize("name", ["es", "ed"])
def test_what_was_signed_comes_back_by_the_published_half_of_the_key(name: str) -> None:
    published = card_code.read_published(msgspec.json.encode(card_code.published(KEYS)))
    found = card_code.verify(CODES[name], published, now=NOW, region="516600")
    assert (found.region, found.card, found.nonce, found.expires, found.kid) == (*_told(CLAIMS), name)


def _told(claims: Claims) -> tuple[str, str, str, datetime]:
    return claims.region, claims.card, claims.nonce, claims.expires


@given(st.sampled_from(["es", "ed"]), st.data())
@settings(deadline=None, max_examples=300)
def test_a_changed_code_is_refused_or_says_the_same(name: str, data: st.DataObject) -> None:
    """The last character of a part of base64 carries bits nobody reads: such a code says the same, and so is used up with the true one."""
    code = CODES[name]
    place = data.draw(st.integers(0, len(code) - 1))
    digit = data.draw(st.sampled_from("0123456789"))
    changed = code[:place] + digit + code[place + 1 :]
    try:
        found = card_code.verify(changed, KEYS, now=NOW)
    except CardRefused:
        return
    assert _told(found) == _told(CLAIMS)


@given(st.one_of(st.text(max_size=300), st.text("0123456789", min_size=118, max_size=2002)))
@settings(deadline=None, max_examples=300)
def test_anything_at_all_is_refused_in_the_same_way(text: str) -> None:
    with pytest.raises(CardRefused):
        card_code.verify(text, KEYS, now=NOW)


def test_a_code_ends_to_the_second_and_five_more_for_clocks_that_differ() -> None:
    assert card_code.verify(CODES["es"], KEYS, now=CLAIMS.expires + card_code.LEEWAY)
    with pytest.raises(CardRefused) as refused:
        card_code.verify(CODES["es"], KEYS, now=CLAIMS.expires + card_code.LEEWAY + timedelta(microseconds=1))
    assert refused.value.reason == "expired"


def test_a_code_fits_a_small_picture() -> None:
    """61 modules and four of white on either side: five pixels for each on the width of a phone."""
    made = segno.make(CODES["es"], error="m", boost_error=False, micro=False)
    assert made.mode == "numeric"
    assert int(made.version) <= 11
    assert 390 / (made.symbol_size(border=4)[0]) > 5


def test_keys_of_other_kinds_are_left_out_and_no_set_at_all_is_an_error() -> None:
    assert card_code.read_published(b'{"keys": [{"kty": "EC", "crv": "P-256", "alg": "SM2", "kid": "x"}]}') == {}
    for text in (b"", b"[]", b'{"key": []}', b"<html>"):
        with pytest.raises(ValueError, match="JWK"):
            card_code.read_published(text)


def test_the_command_checks_a_code_with_neither_network_nor_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(msgspec.json.encode(card_code.published(KEYS)))
    soon = replace(CLAIMS, expires=datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60))
    good, old = card_code.sign(soon, KEYS["ed"]), CODES["es"]
    assert main(["card", "verify", good, "--keys", str(keys)]) == 0
    assert "516600" in capsys.readouterr().out
    with_old_clock = replace(CLAIMS, expires=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5))
    for code in (card_code.sign(with_old_clock, KEYS["es"]), good[:-2], "1234", old[:100]):
        assert main(["card", "verify", code, "--keys", str(keys)]) == 1
        said = capsys.readouterr()
        assert not said.out
        assert said.err.startswith("yilian: ")
    assert main(["card", "verify", good, "--keys", str(tmp_path / "none.json")]) == 1
