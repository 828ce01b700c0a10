"""docs/reference/notifications.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from yilian.notifications import gateways, live_events
from yilian.notifications.deliveries import STATES
from yilian.notifications.live import TOPICS
from yilian.notifications.templates import CHANNELS, HARMLESS, KINDS
from yilian.referral import conversation

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "notifications.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_kinds_channels_topics_and_states_are_those_there_are() -> None:
    assert {row[0].strip("`"): row[1] for row in rows("kind")} == {kind: zh for kind, (zh, _) in KINDS.items()}
    assert [row[0].strip("`") for row in rows("channel")][:3] == list(CHANNELS)
    assert [row[0].strip("`") for row in rows("topic")] == list(TOPICS)
    assert set(live_events.TOPIC_OF.values()) <= set(TOPICS)
    assert {row[0].strip("`"): row[1] for row in rows("what is said")} == conversation.KINDS
    (said,) = re.findall(r"States: (.*?)\.", PAGE)
    assert set(re.findall(r"`(\w+)`", said.replace("notifications.most", ""))) == set(STATES)
    (harmless,) = re.findall(r"which may use (.*?) and nothing", PAGE)
    assert set(re.findall(r"`(\w+)`", harmless)) == HARMLESS
    assert all(str(status) in PAGE for status in gateways.NEVER)
