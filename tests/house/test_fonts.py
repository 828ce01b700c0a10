"""The typeface of printed slips."""

from __future__ import annotations

import typst

from yilian.fonts import CJK_FAMILY, cjk_font_paths

PAGE = """#set page(width: 12cm, height: auto, margin: 1cm)
#set text(font: "{family}", size: 14pt, lang: "zh", weight: "{weight}", fallback: false)
{text}
"""


def drawn(text: str, weight: str = "regular") -> bytes:
    compiler = typst.Compiler(
        PAGE.format(family=CJK_FAMILY, weight=weight, text=text).encode(),
        font_paths=[str(path) for path in cjk_font_paths()],
        ignore_system_fonts=True,
    )
    picture = compiler.compile(format="svg")
    assert isinstance(picture, bytes)
    return picture


def test_it_brings_a_regular_and_a_bold_weight() -> None:
    assert drawn("双向转诊(转出)单", "regular") != drawn("双向转诊(转出)单", "bold")


def test_rare_characters_of_names_have_shapes_of_their_own() -> None:
    missing = drawn("\U0003fffd")
    for character in "喆犇龘昇堃淼㛃𠮷":
        assert drawn(character).count(b"<path") >= 1, character
        assert drawn(character) != missing, character
