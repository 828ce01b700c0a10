"""Chinese text as syllables without tones: 重度高血压 → zhong du gao xue ya.

The dictionary is pypinyin's: 47,000 phrases, since a character's reading depends on the word it stands in, and one reading for each
character by itself. Words are cut as pypinyin cuts them, the longest phrase first, so the syllables are the ones it gives; walking its
tables directly takes a fraction of the time, which counts when a code system brings forty thousand names.
"""

from __future__ import annotations

from functools import cache

TONES = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹḿ", "aaaaeeeeiiiioooouuuuvvvvvnnnm")


def syllables(text: str) -> list[str]:
    """One entry for each Chinese character, and one for each run of anything else, as it stands. ü is written v."""
    characters, phrases, longest = _tables()
    found: list[str] = []
    other = ""
    at, end = 0, len(text)
    while at < end:
        if text[at] not in characters:
            other += text[at]
            at += 1
            continue
        if other:
            found.append(other)
            other = ""
        for length in range(min(longest.get(text[at : at + 2], 0), end - at), 1, -1):
            if (phrase := text[at : at + length]) in phrases:
                found += [_plain(readings[0]) for readings in phrases[phrase]]
                at += length
                break
        else:
            found.append(characters[text[at]])
            at += 1
    if other:
        found.append(other)
    return found


def _plain(syllable: str) -> str:
    plain = _toneless.get(syllable)
    if plain is None:
        plain = _toneless[syllable] = "".join(c for c in syllable.translate(TONES) if c.isascii())
    return plain


_toneless: dict[str, str] = {}
"""At most the 1,600 syllables there are."""


@cache
def _tables() -> tuple[dict[str, str], dict[str, list[list[str]]], dict[str, int]]:
    """Reading of each character; the phrases; first two characters → length of the longest phrase. Loaded with the first Chinese text."""
    from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

    characters = {chr(point): _plain(readings.partition(",")[0]) for point, readings in PINYIN_DICT.items()}
    longest: dict[str, int] = {}
    for phrase in PHRASES_DICT:
        longest[phrase[:2]] = max(longest.get(phrase[:2], 0), len(phrase))
    return characters, PHRASES_DICT, longest
