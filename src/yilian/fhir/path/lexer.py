"""Text to tokens: names, numbers, strings, dates, signs; white space and comments fall away.

http://hl7.org/fhirpath/N1/#lexical-elements
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from yilian.fhir.path.errors import PathSyntaxError

Kind = Literal["name", "quoted", "number", "string", "moment", "this", "percent", "sign", "end"]

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)"
    r"|(?P<moment>@(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
    r"|\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?))"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<this>\$(?:this|index|total)\b)"
    r"|(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<quoted>`(?:[^`\\]|\\.)*`)"
    r"|(?P<percent>%)"
    r'|(?P<double>"(?:[^"\\]|\\.)*")'
    r"|(?P<sign><=|>=|!=|!~|[.()\[\]{}|&=~<>+\-*/,])",
    re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is without quotes and escapes; `name` may be a keyword, `quoted` (in backticks) never is."""

    kind: Kind
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """All tokens, the last of kind "end". Raises PathSyntaxError for what is none."""
    found: list[Token] = []
    place = 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise unreadable(expression, place)
        kind = match.lastgroup
        text = match.group()
        if kind == "string":
            found.append(Token("string", _plain(expression, text, place), place))
        elif kind == "quoted":
            found.append(Token("quoted", _plain(expression, text, place), place))
        elif kind == "double":
            if not found or found[-1].kind != "percent":
                raise unreadable(expression, place)
            found.append(Token("quoted", _plain(expression, text, place), place))  # %"vs-…", as R4 itself writes
        elif kind in ("name", "number", "moment", "this", "percent", "sign"):
            found.append(Token(kind, text, place))  # type: ignore[arg-type]
        place = match.end()
    found.append(Token("end", "", place))
    return found


def unreadable(expression: str, at: int, why: str = "") -> PathSyntaxError:
    """The error for what stands at this character."""
    rest = expression[at : at + 20]
    return PathSyntaxError(
        f"FHIRPath {expression[:200]!r} cannot be read at character {at + 1} ({rest!r}){': ' + why if why else '.'}",
        zh=f"FHIRPath 表达式第 {at + 1} 个字符处无法识别。",
    )


def _plain(expression: str, text: str, at: int) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        try:
            return _ESCAPED[match[2]]
        except KeyError:
            raise unreadable(expression, at, f"there is no escape \\{match[2]}.") from None

    return _ESCAPE.sub(one, text[1:-1]) if "\\" in text else text[1:-1]
