"""Syllables of Chinese text are those of the library whose dictionary they are read from."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import lazy_pinyin
from pypinyin.constants import PHRASES_DICT

from yilian.search.syllables import syllables

PHRASES = sorted(PHRASES_DICT)
pieces = st.one_of(st.sampled_from(PHRASES), st.text("重长行血乐单吕女略一二 (AB12a)-,ü〇", min_size=1, max_size=6))


@settings(deadline=None)  # the first text waits for the dictionary
@given(st.lists(pieces, max_size=6).map("".join))
def test_any_mixture_of_phrases_and_other_text_reads_as_the_library_reads_it(text: str) -> None:
    assert syllables(text) == lazy_pinyin(text)


def test_every_phrase_of_the_dictionary_reads_as_the_library_reads_it() -> None:
    assert [phrase for phrase in PHRASES[::7] if syllables(phrase) != lazy_pinyin(phrase)] == []
