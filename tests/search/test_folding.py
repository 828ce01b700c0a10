"""Text made comparable, and names by their sound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.search.folding import LONGEST, bounded, clipped, fold
from yilian.search.pinyin import SURNAMES, has_han, spellings


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("ＡＮＮＥ　ｂ", "anne b"),
        ("  Van   der\tBerg ", "van der berg"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("张伟", "张伟"),
        ("½ ㎎", "1⁄2 mg"),
        ("한글", "한글"),
    ],
)
def test_case_width_accents_and_spaces_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(min_size=1).map(lambda text: text * 400))
def test_index_entries_are_never_too_long(text: str) -> None:
    assert len(clipped(text).encode()) <= LONGEST
    assert len(bounded(text).encode()) <= LONGEST
    assert text.startswith(clipped(text))
    assert (bounded(text) == text) is (len(text.encode()) <= LONGEST)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("张伟", ("zhangwei", "zw")),
        ("单雄信", ("shanxiongxin", "sxx")),
        ("仇英", ("qiuying", "qy")),
        ("曾国藩", ("zengguofan", "zgf")),
        ("解缙", ("xiejin", "xj")),
        ("查良镛", ("zhaliangyong", "zly")),
        ("区大相", ("oudaxiang", "odx")),
        ("尉迟恭", ("yuchigong", "ycg")),
        ("尉健行", ("weijianxing", "wjx")),
        ("欧阳修", ("ouyangxiu", "oyx")),
        ("吕布", ("lvbu", "lb", "lubu")),
        ("乐毅", ("yueyi", "yy", "leyi", "ly")),
        ("li伟2", ("liwei2", "lw2")),
    ],
)
def test_surnames_are_read_as_surnames(name: str, found: tuple[str, ...]) -> None:
    assert spellings(name, is_person=True) == found


def test_only_the_head_of_a_persons_name_is_a_surname() -> None:
    assert spellings("简单", is_person=True)[0] == "jiandan"
    assert spellings("单", is_person=False)[0] == "dan"
    assert spellings("重庆市第一人民医院", is_person=False) == ("chongqingshidiyirenminyiyuan", "cqsdyrmyy")


def test_what_is_not_chinese_or_no_name_has_no_spelling() -> None:
    assert spellings("muller", is_person=True) == ()
    assert spellings("张" * 41, is_person=True) == ()
    assert not has_han("한글")


def test_the_table_of_surnames_is_well_formed() -> None:
    for surname, readings in SURNAMES.items():
        assert has_han(surname)
        assert all(len(reading.split()) == len(surname) and reading.replace(" ", "").isalpha() for reading in readings.split("/"))
