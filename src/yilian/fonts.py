"""The Chinese typeface of printed slips: Noto Sans CJK, from a package, because a bare machine has none.

The file is the variable collection as Noto publishes it (SIL Open Font License 1.1): every weight,
all of the Unicode ideographs a name is likely to use, in the forms of each region. typst takes weights from it since 0.15.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

CJK_FAMILY = "Noto Sans CJK SC"
"""The family to name in a document; simplified Chinese forms. Debian's package fonts-noto-cjk has the same name."""


def cjk_font_paths() -> list[Path]:
    """The folders that hold the typeface, for `font_paths` of typst. Raises FileNotFoundError when there is none."""
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec is not None else []
    found = [folder for folder in folders if any(folder.glob("*.ttc"))]
    if not found:
        raise FileNotFoundError("The package manimgx-fonts-cjk (Noto Sans CJK) is not installed; slips cannot be printed without it.")
    return found
