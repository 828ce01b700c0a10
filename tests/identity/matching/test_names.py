"""Names made comparable: surnames read as surnames, confusions, order, names of other peoples."""

from __future__ import annotations

import pytest

from yilian.identity.matching import names


def read(text: str) -> names.Name:
    found = names.read(text, "", "")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [("单雄信", "shan xiong xin"), ("仇英", "qiu ying"), ("解晓东", "xie xiao dong"), ("尉迟恭", "yu chi gong"), ("吕布", "lu bu")],
)
def test_surnames_are_read_as_surnames(text: str, pinyin: str) -> None:
    assert read(text).pinyin == pinyin


def test_a_surname_families_read_in_two_ways_is_kept_in_both() -> None:
    assert (read("覃丽").pinyin, read("覃丽").other_pinyin) == ("qin li", "tan li")


@pytest.mark.parametrize(("one", "other"), [("张兰", "臧南"), ("胡英", "符音"), ("陈生", "岑森"), ("刘宁", "牛林")])
def test_sounds_that_are_often_confused_are_one(one: str, other: str) -> None:
    assert read(one).sound == read(other).sound
    assert read(one).pinyin != read(other).pinyin


@pytest.mark.parametrize("written", ["ZHANG Wei", "Wei Zhang", "wei zhang", "Zhang, Wei", "ZhangWei", "伟张"])
def test_a_name_is_known_in_any_order_and_in_pinyin(written: str) -> None:
    assert read(written).bag == read("张伟").bag


def test_a_name_of_another_people_is_given_name_and_fathers_name() -> None:
    one, other = read("阿卜杜热西提·买买提依明"), read("阿卜杜热西提•买买提")
    assert (one.given_first, one.given_last) == (other.given_first, other.given_last)
    assert one.characters == read("阿卜杜热西提買买提依明".replace("買", "买")).characters


def test_a_double_surname_is_one_surname() -> None:
    assert read("欧阳建国").given_first == "建"
    assert read("诸葛亮").given_first == "亮"


@pytest.mark.parametrize("text", ["无名氏", "不详", " ", "···", "。", "Test"])
def test_a_name_nobody_has_is_none(text: str) -> None:
    assert names.read(text, "", "") is None


def test_foreign_names_are_words() -> None:
    found = names.read("", "O'Brien-Jones", "Mary Ann")
    assert found is not None
    assert (found.given_first, found.given_last) == ("mary", "ann")
    assert "brien" in found.pinyin


def test_the_official_name_goes_before_others() -> None:
    found = names.of([{"use": "old", "text": "李四"}, {"use": "nickname", "text": "小三"}, {"use": "official", "text": "张三"}])
    assert found is not None
    assert found.characters == "张三"
    assert names.of([{"use": "official"}, {"text": "王五"}]).characters == "王五"  # type: ignore[union-attr]
    assert names.of(None) is None
