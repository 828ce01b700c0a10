"""Which name is shown to whom."""

from __future__ import annotations

import pytest

from yilian.errors import BadRequest
from yilian.terminology.languages import NO_WISH, chosen, names, nearness, wish

NAMES = names(
    "高血压",
    "zh-CN",
    [
        {"language": "en", "value": "Hypertension"},
        {"language": "de-CH", "value": "Bluthochdruck"},
        {"language": "en", "use": {"code": "synonym"}, "value": "High blood pressure"},
    ],
)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", "高血压"),
        ("en", "Hypertension"),
        ("de", "Bluthochdruck"),
        ("zh", "高血压"),
        ("en-GB", "Hypertension"),
        ("fr,en;q=0.5", "Hypertension"),
        ("en;q=0.2,de;q=0.8", "Bluthochdruck"),
        ("fr", "高血压"),
        ("fr,*;q=0", None),
        ("fr,en,*;q=0", "Hypertension"),
    ],
)
def test_the_nearest_name_in_the_wished_language_is_shown(asked: str, shown: str | None) -> None:
    found = chosen(NAMES, wish(asked) if asked else NO_WISH)
    assert (found.text if found else None) == shown


def test_the_language_itself_is_nearer_than_its_regions_and_those_than_its_general_form() -> None:
    assert [nearness(one, "zh-CN") for one in ("zh-CN", "zh-CN-x", "zh", "en", "")] == [0, 1, 2, 9, 9]


@pytest.mark.parametrize("text", ["en;q=high", "e n", ";", "en;q=-1", "zh_CN!"])
def test_what_is_no_list_of_languages_is_refused_from_a_caller_and_ignored_in_a_header(text: str) -> None:
    with pytest.raises(BadRequest, match="no list of languages"):
        wish(text)
    assert not wish(text, strict=False)
