"""Chinese text as syllables without tones: 重度高血压 → zhong du gao xue ya.

The dictionary is pypinyin's: 47,000 phrases, since a character's reading depends on the word it stands in, and one reading for each
character by itself. Words are cut as pypinyin cuts them, the longest phrase first, so the syllables are the ones it gives. Its files are
read directly: that takes a tenth of the time, which counts when a code system brings forty thousand names, and a third of the memory.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import msgspec

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
                spelled = phrases[phrase]
                found += spelled.split() if spelled else [characters[character] for character in phrase]
                at += length
                break
        else:
            found.append(characters[text[at]])
            at += 1
    if other:
        found.append(other)
    return found


@cache
def known() -> frozenset[str]:
    """Every syllable some character is read as."""
    return frozenset(spelled for spelled in _tables()[0].values() if spelled)


def _plain(syllable: str) -> str:
    plain = _toneless.get(syllable)
    if plain is None:
        plain = _toneless[syllable] = "".join(c for c in syllable.translate(TONES) if c.isascii())
    return plain


_toneless: dict[str, str] = {}
"""At most the 1,600 syllables there are."""


@cache
def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """Reading of each character; phrase → its syllables, "" where its characters read as they do alone; first two characters → length of
    the longest phrase. Read with the first Chinese text (0.2 s).
    """
    package = importlib.util.find_spec("pypinyin")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent
    readings = msgspec.json.decode((folder / "pinyin_dict.json").read_bytes(), type=dict[str, str])
    characters = {chr(int(point)): _plain(some.partition(",")[0]) for point, some in readings.items()}
    phrases: dict[str, str] = {}
    longest: dict[str, int] = {}
    known = msgspec.json.decode((folder / "phrases_dict.json").read_bytes(), type=dict[str, msgspec.Raw])
    decoder = msgspec.json.Decoder(list[list[str]])
    for phrase, raw in known.items():
        plain = [_plain(one[0]) for one in decoder.decode(raw)]
        phrases[phrase] = "" if plain == [characters.get(character) for character in phrase] else " ".join(plain)
        longest[phrase[:2]] = max(longest.get(phrase[:2], 0), len(phrase))
    return characters, phrases, longest
