"""docs/reference/subscriptions.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from yilian import policy
from yilian.exchange.subscriptions import binding, definition, post
from yilian.exchange.subscriptions.collect import FIRST_PAUSE
from yilian.exchange.subscriptions.definition import understood
from yilian.exchange.subscriptions.stream import HEARTBEAT_S
from yilian.exchange.subscriptions.take_in import MASK
from yilian.exchange.subscriptions.topics import catalogue
from yilian.fhir.dates import region_zone
from yilian.http.operations.subscriptions import MOST, OPERATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "subscriptions.md").read_text(encoding="utf-8")


def test_the_page_lists_the_topics_there_are() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", PAGE.partition("| topic |")[2].partition("\n\n")[0], re.MULTILINE))
    assert rows == {topic.id: topic.title for topic in catalogue().values()}


def test_the_example_of_the_page_is_understood() -> None:
    found = json.loads(PAGE[PAGE.index("{") :].partition("\n\n")[0])
    asked = understood(found, region_zone())
    assert (asked.channel, asked.content, asked.types()) == ("rest-hook", "id-only", {"Observation"})
    assert (asked.timeout_s, asked.max_count) == (10, 20)
    assert definition.headers_of({**found, "channel": {**found["channel"], "header": ["Authorization: Bearer x"]}})


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    shipped = {name: one.value for name, one in policy.defaults().items() if name.startswith("subscription.")}
    assert {name: int(number) for name, number in re.findall(r"`(subscription\.\w+)` \((\d+)\)", PAGE)} == shipped
    for text in (
        f"({definition.LEAST_HEARTBEAT_S} s and more)",
        f"at most {definition.LONGEST_TIMEOUT_S} s",
        f"at most {definition.MOST_COUNT})",
        f"at most {MOST:,} at once",
        f"every {HEARTBEAT_S} s",
        f"{post.MOST_OF_ANSWER // 1024} KiB",
        f"after {FIRST_PAUSE.seconds} s",
        f"({int(binding.GOOD_FOR.total_seconds() // 60)} minutes)",
        post.SIGNATURE_TYPE,
        MASK,
        f"{definition.CHANNELS}#{definition.SSE}",
        *definition.CONTENTS,
    ):
        assert text in PAGE, text


def test_the_page_names_every_operation() -> None:
    for operation in OPERATIONS:
        assert f"${operation.name}" in PAGE, operation.name
