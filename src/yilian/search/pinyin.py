"""Chinese names by sound: 张伟 is found by `zhangwei` and by `zw`.

Surnames have readings of their own (单 is Shan, not Dan); they are listed here, because the dictionary of the library does not know that
it reads a name. Surname readings: 现代汉语词典 (7th ed.), entries marked 姓.
"""

from __future__ import annotations

from functools import lru_cache

from yilian.search.syllables import syllables

LONGEST_NAME = 40

SURNAMES = {
    "万俟": "mo qi", "令狐": "ling hu", "单于": "chan yu", "夏侯": "xia hou", "宇文": "yu wen", "尉迟": "yu chi", "欧阳": "ou yang",
    "澹台": "tan tai", "鲜于": "xian yu", "长孙": "zhang sun",
    "万": "wan", "乐": "yue/le", "仇": "qiu", "任": "ren", "佴": "nai", "侯": "hou", "俞": "yu", "冯": "feng", "冼": "xian",
    "区": "ou", "单": "shan", "卜": "bu", "句": "gou", "召": "shao", "员": "yun", "宁": "ning", "尉": "wei", "干": "gan",
    "应": "ying", "强": "qiang", "折": "she", "撒": "sa", "曲": "qu", "曾": "zeng", "朴": "piao", "柏": "bai", "查": "zha",
    "殷": "yin", "沈": "shen", "洗": "xian", "燕": "yan", "牟": "mu/mou", "盖": "ge/gai", "盛": "sheng", "相": "xiang", "石": "shi",
    "祭": "zhai", "种": "chong", "秘": "bi", "繁": "po", "纪": "ji", "缪": "miao", "翟": "zhai/di", "能": "nai", "莘": "shen",
    "葛": "ge", "薄": "bo", "覃": "qin/tan", "解": "xie", "谌": "chen/shen", "贾": "jia", "费": "fei/bi", "过": "guo", "郗": "xi/chi",
    "都": "du", "重": "chong", "阚": "kan", "隗": "wei/kui", "黑": "he",
}  # fmt: skip
"""One or two characters at the head of a name → how they are read there; "/" between readings that families differ in."""


def has_han(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return not text.isascii() and any("㐀" <= c <= "鿿" or "\U00020000" <= c <= "\U0003ffff" for c in text)


def spellings(text: str, *, is_person: bool) -> tuple[str, ...]:
    """Pinyin and initials of a folded name, without spaces, each once; () where there is nothing Chinese or it is too long to be a name.

    `is_person`: the text begins with a surname. A ü is written both ways people type it: 吕 → lv, lu.
    """
    return _spellings(text, is_person) if len(text) <= LONGEST_NAME and has_han(text) else ()


@lru_cache(maxsize=65536)
def _spellings(text: str, is_person: bool) -> tuple[str, ...]:
    found: list[str] = []
    for reading in readings(text, is_person):
        full, initials = "".join(reading), "".join(syllable[0] for syllable in reading)
        found += [full, initials, full.replace("v", "u")] if "v" in full else [full, initials]
    return tuple(dict.fromkeys(spelling for spelling in found if spelling))


def readings(text: str, is_person: bool) -> list[list[str]]:
    """Syllables of a folded name, for each way the surname is read. Latin letters and digits stay; what is neither is left out."""
    heads: list[list[str]] = [[]]
    if is_person:
        for length in (2, 1):
            if text[:length] in SURNAMES:
                heads = [reading.split() for reading in SURNAMES[text[:length]].split("/")]
                text = text[length:]
                break
    rest = [kept for part in syllables(text) if (kept := "".join(c for c in part if c.isascii() and c.isalnum()))]
    return [head + rest for head in heads]
