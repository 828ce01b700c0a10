"""FHIR's JSON in and out, with decimals as they were written.

Numbers with a point become `Decimal`, because 6.0 and 6 are different precisions to a laboratory (http://hl7.org/fhir/R4/datatypes.html#decimal).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from yilian.errors import BadRequest

DEEPEST = 64
"""Levels of objects and arrays; no R4 resource of any use comes near it."""

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_escape = re.compile(rb"\\.")
_encoder = msgspec.json.Encoder(decimal_format="number")


def parse(data: bytes) -> dict[str, Any]:
    """One JSON object, keys in their order.

    Raises BadRequest for anything that is not well-formed UTF-8 JSON, is no object, holds lone surrogates, names a property twice, or nests
    deeper than `DEEPEST`.
    """
    try:
        value = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadRequest(
            f"The body is not well-formed JSON: {error}", code="structure", zh="内容不是合法的 JSON,请检查后重新提交。"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except (InvalidOperation, ValueError, OverflowError):
        raise BadRequest("The body holds a number that cannot be read.", code="structure", zh="内容中有无法识别的数字。") from None
    if type(value) is not dict:
        raise BadRequest(
            "The body is not a JSON object; a FHIR resource is one.", code="structure", zh="内容不是 JSON 对象,FHIR 资源应为一个对象。"
        )
    if _is_plain(data, value):
        return value
    strings = _strings(value)
    if strings is None:
        raise _too_deep()
    if 2 * strings != _quotes(data):
        raise BadRequest("The body names a property of an object twice.", code="structure", zh="内容中有重复的属性名。")
    return value


def dump(value: Any) -> bytes:
    """Compact UTF-8 JSON, keys in their order, `Decimal` as the number it was read from."""
    return _encoder.encode(value)


_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))


def _is_plain(data: bytes, value: dict[str, Any]) -> bool:
    """Whether the text is what we would write ourselves, and not too deep. Most machines send such; nothing else need be looked at then.

    What a writer makes of an object names no property twice. The depth is that of the brackets alone, those inside strings counted as well:
    more than there is, never less.
    """
    if data[:80].find(b'": ') >= 0 or _encoder.encode(value) != data.strip():
        return False
    brackets = data.translate(None, _NO_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if not brackets:
            return True
    return False


def _strings(value: dict[str, Any]) -> int | None:
    """How many strings there are, keys and values; None where it nests too deep. Level by level, so that depth itself cannot hurt."""
    count = 0
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for parent in level:
            if type(parent) is dict:
                count += len(parent)
                parent = parent.values()
            for child in parent:
                kind = type(child)
                if kind is str:
                    count += 1
                elif kind is dict or kind is list:
                    below.append(child)
        if not below:
            return count
        level = below
    return None


def _quotes(data: bytes) -> int:
    """Quotation marks that begin or end a string. A property named twice leaves more of them than the parsed value accounts for."""
    return (_escape.sub(b"", data) if b"\\" in data else data).count(b'"')


def _too_deep() -> BadRequest:
    return BadRequest(f"The body nests deeper than {DEEPEST} levels.", code="too-costly", zh=f"内容嵌套超过 {DEEPEST} 层,无法处理。")
