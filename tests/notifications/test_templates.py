"""What a template may say, and that every one of ours does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.notifications.messages import BadMessage, Message, Reader, check
from yilian.notifications.templates import HARMLESS, LANGUAGES, filled, read, templates
from yilian.referral import states
from yilian.referral.codes import CIRCUMSTANCES

GOOD = {
    "kind": "referral",
    "values": ["patient"],
    "optional": ["when"],
    "title": {"zh": "标题", "en": "Title"},
    "text": {"zh": "{patient}[[于 {when}]]", "en": "{patient}[[ at {when}]]"},
}


def test_every_template_is_right_in_both_languages() -> None:
    for template in templates().values():
        for language in LANGUAGES:
            for names in (template.values | template.optional, template.values):
                values = dict.fromkeys(names, "值")
                for text in (template.title[language], template.print(language, values), template.print(language, values, own=True)):
                    assert text
                    assert not re.search(r"[{}\[\]]", text), template.event


def test_every_step_of_the_table_has_its_template() -> None:
    # Nobody but its writer knows of a draft; who records an approval later tells nobody anything new; a mark has the event of its kind.
    silent = {"revise", "endorse", "mark"}
    assert {f"referral.{kind}" for kind in CIRCUMSTANCES} <= set(templates())
    assert {f"referral.{action}" for action in states.ACTIONS if action not in silent} <= set(templates())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"title": {"zh": "{patient}", "en": "x"}}, "may not use patient"),
        ({"outside": {"zh": "{patient}", "en": "x"}}, "may not use patient"),
        ({"text": {"zh": "{when}", "en": "x"}}, "optional"),
        ({"text": {"zh": "{strange}", "en": "x"}}, "strange"),
        ({"text": {"zh": "只有中文"}}, "zh and en"),
        ({"kind": "gossip"}, "kind"),
        ({"channels": ["sms"]}, "outside"),
        ({"channels": ["fax"], "outside": {"zh": "x", "en": "x"}}, "channels"),
        ({"sounds": True}, "unknown"),
        ({"text": {"zh": "{patient", "en": "x"}}, "bracket"),
    ],
)
def test_a_template_that_is_not_right_is_refused(change: dict[str, object], why: str) -> None:
    read("referral.fine", GOOD)
    with pytest.raises(ValueError, match=why):
        read("referral.fine", GOOD | change)


@given(
    st.dictionaries(st.sampled_from(sorted({"patient", "number", "reason", "by", "text", "specialty", "to", "from", *HARMLESS})), st.text())
)
def test_what_goes_outside_says_nothing_of_who_it_is_about(values: dict[str, str]) -> None:
    """短信不含姓名、证件号、诊断和科室."""
    for template in templates().values():
        if template.outside:
            marked = {name: f"〔{name}〕" for name in values}
            said = template.print_outside("zh", marked)
            assert not [name for name in values if name not in HARMLESS and f"〔{name}〕" in said]


def test_a_value_that_ends_its_sentence_itself_is_not_ended_twice() -> None:
    assert filled("已退回：{reason}。", {"reason": "请补充。"}) == "已退回：请补充。"


def test_a_part_goes_where_its_value_is_missing() -> None:
    assert filled("甲[[,{a}]][[,{b}]]。", {"a": "1", "b": ""}) == "甲,1。"


@pytest.mark.parametrize(
    "message",
    [
        Message("referral.unheard-of", (Reader.account("Practitioner/x"),), "Task/1"),
        Message("referral.accept", (Reader.account("Practitioner/x"),), "Task/1", values={"patient": "李"}),
        Message("referral.accept", (Reader.account("Practitioner/x"),), "Task/1", values={"patient": "李", "number": "1", "identity": "1"}),
        Message("referral.accept", (), "Task/1", values={"patient": "李", "number": "1"}),
        Message("referral.accept", (Reader.post(0, "gp"),), "Task/1", values={"patient": "李", "number": "1"}),
        Message("referral.accept", (Reader.address("fax", "1"),), "Task/1", values={"patient": "李", "number": "1"}),
        Message("referral.accept", (Reader("rumour"),), "Task/1", values={"patient": "李", "number": "1"}),
    ],
)
def test_what_no_template_knows_is_refused(message: Message) -> None:
    with pytest.raises(BadMessage):
        check(message)
