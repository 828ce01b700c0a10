"""Narrative is refused at the door when it could act in somebody's browser."""

from __future__ import annotations

import pytest

from yilian.validation import issues
from yilian.validation.narrative import narrative_fault


def div(inner: str, attributes: str = "") -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>{inner}</div>'


@pytest.mark.parametrize(
    "text",
    [
        div("张三,男,1949 年生"),
        div("<p>a<br/>b</p><table><tbody><tr><td colspan='2'>1 &lt; 2 &amp; 3</td></tr></tbody></table>", ' lang="zh" xml:lang="zh"'),
        div('<a href="#m1">x</a><a name="y">y</a>'),
        div('<img src="data:image/png;base64,AAAA" alt="x"/>'),
        div("a&nbsp;b&copy;&#x4e2d;"),
        '<?xml version="1.0"?>' + div("x"),
        '<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:b>x</h:b></h:div>',
    ],
)
def test_plain_formatting_is_taken(text: str) -> None:
    assert narrative_fault(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("文本", "not well-formed"),
        ("<div>x</div>", "namespace"),
        (div("<script>alert(1)</script>"), "<script>"),
        (div("<iframe src='http://x'/>"), "<iframe>"),
        (div("<p onclick='x()'>a</p>"), "onclick"),
        (div("<a href='javascript:x()'>a</a>"), "href"),
        (div("<a href=' JAVA\tscript:x()'>a</a>"), "href"),
        (div("<a href='data:text/html,x'>a</a>"), "href"),
        (div("<form><input/></form>"), "<form>"),
        (div("<svg xmlns='http://www.w3.org/2000/svg'/>"), "namespace"),
        ('<p xmlns="http://www.w3.org/1999/xhtml">x</p>', "one <div>"),
        (div("a<b>c"), "not well-formed"),
        (div("a") + div("b"), "not well-formed"),
        (div("  \n "), "no text"),
        (div("<p/>"), "no text"),
        (div("&unknown;"), "not well-formed"),
        ("<!DOCTYPE div [<!ENTITY x 'y'>]>" + div("&x;"), "DOCTYPE"),
        (
            '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + div("&b;&b;&b;"),
            "DOCTYPE",
        ),
        ('<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + div("&f;"), "DOCTYPE"),
        ("<?php x?>" + div("a"), "processing instructions"),
        (div("<b>" * 200 + "x" + "</b>" * 200), "too deep"),
    ],
)
def test_what_acts_loads_or_is_not_well_formed_is_refused(text: str, says: str) -> None:
    assert says in (narrative_fault(text) or "")


def test_the_fault_names_the_narrative_in_both_languages() -> None:
    patient = {"resourceType": "Patient", "text": {"status": "generated", "div": div("<script/>")}}
    (issue,) = issues(patient)
    assert (issue.expression, issue.code) == ("Patient.text.div", "invariant")
    assert "XHTML" in issue.zh


def test_a_narrative_has_no_extensions_beside_it() -> None:
    extension = {"extension": [{"url": "http://x.example", "valueString": "x"}]}
    patient = {"resourceType": "Patient", "text": {"status": "generated", "div": div("x"), "_div": extension}}
    assert [issue.expression for issue in issues(patient)] == ["Patient.text.div.extension"]
