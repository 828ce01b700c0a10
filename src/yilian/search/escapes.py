r"""Values that hold the signs search itself uses: `\,` `\|` `\$` and `\\`. FHIR R4: http://hl7.org/fhir/R4/search.html#escaping"""

from __future__ import annotations

import re

from yilian.errors import BadRequest

_piece = re.compile(r"\\(.?)|[^\\]", re.DOTALL)
_ESCAPED = (",", "|", "$", "\\")


def split(text: str, sign: str) -> list[str]:
    """The parts between unescaped signs, still escaped. Raises BadRequest for a backslash before anything it does not escape."""
    if "\\" not in text:
        return text.split(sign)
    parts = [""]
    for found in _piece.finditer(text):
        if found[0] == sign:
            parts.append("")
        elif found[0].startswith("\\") and found[1] not in _ESCAPED:
            raise BadRequest(rf"{text[:60]!r}: a backslash stands before , | $ or another backslash; write \\ for the backslash itself.")
        else:
            parts[-1] += found[0]
    return parts


def plain(text: str) -> str:
    """The text without its escapes."""
    return _piece.sub(lambda found: found[1] or "" if found[0].startswith("\\") else found[0], text) if "\\" in text else text
