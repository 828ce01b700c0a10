"""A person's name made comparable: by its characters, by its sound, by sounds that are often confused, in whatever order it was written.

    单雄信                        shan xiong xin     san xion xin
    阿卜杜热西提·买买提依明          given name first, then the father's
    ZHANG Wei, Wei Zhang, 张伟     zhang wei

Confusions are those of southern speakers and of people who type by ear: zh/z ch/c sh/s, -ang/-an -eng/-en -ing/-in, n/l, hu/fu (普通话水平
测试大纲, 国家语委 2004, 方言难点音).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from yilian.search.folding import fold
from yilian.search.pinyin import has_han, readings
from yilian.search.syllables import known

DOUBLE_SURNAMES = frozenset(
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 "
    "长孙 宇文 司徒 鲜于 司空 闾丘 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 "
    "羊舌 微生 左丘 梁丘 东门 西门 第五 单于".split()
)
LONGEST = 60
_point = re.compile(r"[·•‧・⋅∙●.．]")
_no_name = re.compile(r"[^\w·]|_")
_gap = re.compile(r"[\s,，、/'’`\-]+")
LONGEST_HAN = 4
"""Characters: a longer name is one of another people, its given name first, also where the point after that was left out."""
UNKNOWN = frozenset("无名氏 无名 不详 未知 未详 佚名 匿名 无 test 测试".split())
"""Written where nobody knows the name: it says nothing of who it is."""


@dataclass(frozen=True, slots=True)
class Name:
    """What is compared of a name; None where it has no such part.

    characters    folded, without spaces and points
    pinyin        syllables with a space between; of a foreign name its words
    other_pinyin  the same where families read the surname in two ways (覃: qin, tan)
    sound, bag    syllables with confusions made one; the same in alphabetical order
    family        sound of the surname
    given_first, given_last   first and last character, or word, of the given name
    """

    characters: str
    pinyin: str
    other_pinyin: str | None
    sound: str
    bag: str
    family: str | None
    given_first: str | None
    given_last: str | None


def of(names: Any) -> Name | None:
    """The name of a list of FHIR HumanName that a person goes by now; None where there is none."""
    if type(names) is not list:
        return None
    some = [one for one in names if type(one) is dict]
    some.sort(key=lambda one: _USES.get(str(one.get("use", "")), 1))
    for one in some:
        given = one.get("given")
        written = [str(part) for part in given] if type(given) is list else []
        found = read(str(one.get("text") or ""), str(one.get("family") or ""), " ".join(written))
        if found is not None:
            return found
    return None


_USES: Mapping[str, int] = {"official": 0, "usual": 1, "": 1, "maiden": 3, "old": 4, "nickname": 3, "anonymous": 5, "temp": 2}


@lru_cache(maxsize=16384)
def read(text: str, family: str, given: str) -> Name | None:
    """One name: the whole as it is written, surname and given name, each "" where it is not known."""
    text, family, given = (_point.sub("·", fold(part[:LONGEST])) for part in (text, family, given))
    if not text:
        text = f"{family}{given}" if has_han(family + given) else f"{given} {family}"
    if not (plain := _no_name.sub("", text).replace("·", "")) or plain in UNKNOWN:
        return None
    return _han(text, family) if has_han(text) else _latin(text, family, given)


def _han(text: str, family: str) -> Name | None:
    parts = [part for part in (_no_name.sub("", piece) for piece in text.split("·")) if part]
    characters = "".join(parts)
    if len(parts) > 1 or (len(characters) > LONGEST_HAN and not family):
        spoken = [readings(part, False)[0] for part in parts]
        half = (len(parts[0]) + 1) // 2
        return _made(
            characters, [list(chain.from_iterable(spoken))], spoken[1] if len(parts) > 1 else [], parts[0][:half], parts[0][-half:]
        )
    if not (family and characters.startswith(family) and len(family) < len(characters)):
        family = characters[: 2 if len(characters) > 2 and characters[:2] in DOUBLE_SURNAMES else 1]
    given = characters[len(family) :]
    ways = readings(characters, True)
    return _made(characters, ways, ways[0][: len(family)], given[:1] or None, given[-1:] or None)


def _latin(text: str, family: str, given: str) -> Name | None:
    words = _words(text)
    if not words:
        return None
    spelled = [_cut(word) for word in words]
    parts = list(chain.from_iterable(spelled))
    syllables = parts if all(part in known() for part in parts) else words
    surname = _words(family) or words[-1:]
    others = [word for word in words if word not in surname] or words
    return _made("".join(words), [syllables], surname, others[0], others[-1])


def _words(text: str) -> list[str]:
    return [word for word in (_no_name.sub("", piece) for piece in _gap.split(text.replace("·", " "))) if word]


def _made(characters: str, ways: Sequence[list[str]], family: list[str], first: str | None, last: str | None) -> Name | None:
    syllables = [syllable.replace("v", "u") for syllable in ways[0]]
    if not syllables:
        return None
    other = " ".join(ways[1]).replace("v", "u") if len(ways) > 1 else None
    sound = [confused(syllable) for syllable in syllables]
    return Name(
        characters,
        " ".join(syllables),
        other,
        " ".join(sound),
        " ".join(sorted(sound)),
        " ".join(confused(syllable.replace("v", "u")) for syllable in family) or None,
        first,
        last,
    )


def confused(syllable: str) -> str:
    """A syllable as it might be heard or typed: zhang and zan become one."""
    if syllable[1:2] == "h" and syllable[0] in "zcs":
        syllable = syllable[0] + syllable[2:]
    if syllable[:1] == "n" and len(syllable) > 1:
        syllable = "l" + syllable[1:]
    if syllable == "hu":
        syllable = "fu"
    return syllable[:-1] if syllable.endswith(("ang", "eng", "ing")) else syllable


@lru_cache(maxsize=8192)
def _cut(word: str) -> list[str]:
    """A word of Latin letters as syllables of pinyin ("xiaoming": xiao ming), or as it is where it is none."""
    there = known()
    ways: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 6), end):
            before = ways[start]
            if before is not None and word[start:end] in there and (ways[end] is None or len(before) + 1 < len(ways[end] or ())):
                ways[end] = [*before, word[start:end]]
    return ways[-1] or [word]
