"""What the index tables hold of one resource, as values. `store/` gives ids their keys, hashes tokens and writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from yilian.fhir.references import Local

Token = tuple[int, str, str]
"""(parameter, system, code); system "" where there is none. Code "" says only that the parameter has a value: a concept in words alone."""


Measure = tuple[int, bool, int, int, Decimal, Decimal, Decimal | None, Decimal | None, str | None, str | None]
"""A row of index_quantity: (parameter, stated, side, unit, amount, value, other amount, other value, system, written).

See `kinds.measured` for what comes to which rows.

stated   whether `written` is the unit as stated for people, in a row of its own beside that of the coded one
side     0: a single amount; -1, 1: the lower, the upper end of an interval; -2, 2: the same where the end does not belong to it
unit     key of what the amount can be compared with: a dimension of UCUM, or the unit as written
amount   in base units of that dimension, or else the same as value; other amount: that of the other end, None on side 0
value    the number as it stands in the record; other value likewise
system   of the unit, None where it has none or is one of UCUM that was understood
"""


Pair = tuple[Token, Token | tuple[str, str] | None, Decimal | None, Decimal | None]
"""A row of index_pair (see `kinds.composite`): the first part, and beside it a code, the (type, id) of a resource here, or two numbers."""


@dataclass(slots=True)
class Clinical:
    """What `index_clinical` holds: one row for each coding, or a single one with code 0 where there is none.

    patient  the Patient it is about, or None: about a group, a device, somebody elsewhere, nobody. Stored as 0
    lo, hi   its main date as [lo, hi), aware; `dates.FIRST` for both where it has none, hi `dates.LAST` where it still goes on
    """

    patient: Local | None
    codings: list[Token]
    lo: datetime
    hi: datetime


@dataclass(slots=True)
class IndexRows:
    """Rows for every index table; the first field of each is `Parameter.id`. No row comes twice.

    identifiers  (parameter, system or None, value)
    references   (parameter, type, id): resources of this server
    dates        (parameter, lo, hi): half-open, aware, UTC; open ends are `dates.FIRST` and `dates.LAST`
    strings      (parameter, folded, as given or None where the row is the pinyin of a name)
    numbers      (parameter, value)
    quantities   see `Measure`
    uris         (parameter, value): uris, canonicals, references to elsewhere; "" says only that a reference has a value (as words)
    measured     amounts beside the code of their own element (a component): (which coding, code, measure)
    pairs        see `Pair`
    positions    (latitude, longitude) in degrees
    """

    tokens: list[Token] = field(default_factory=list)
    identifiers: list[tuple[int, str | None, str]] = field(default_factory=list)
    references: list[tuple[int, str, str]] = field(default_factory=list)
    dates: list[tuple[int, datetime, datetime]] = field(default_factory=list)
    strings: list[tuple[int, str, str | None]] = field(default_factory=list)
    numbers: list[tuple[int, Decimal]] = field(default_factory=list)
    quantities: list[Measure] = field(default_factory=list)
    uris: list[tuple[int, str]] = field(default_factory=list)
    measured: Sequence[tuple[int, Token, Measure]] = ()
    pairs: Sequence[Pair] = ()
    positions: Sequence[tuple[float, float]] = ()
    clinical: Clinical | None = None
    base: str = ""
    """Our own address while rows are being taken up, so that absolute references to ourselves are known for what they are."""
    resource: Any = None
    """The whole resource while rows are being taken up, for parts of a composite that lie outside its element."""

    def words(self) -> Iterator[Token]:
        """Every token whose hash stands in some row and has to be spelled out."""
        yield from self.tokens
        if self.clinical is not None:
            yield from self.clinical.codings
        for _, head, _ in self.measured:
            yield head
        for head, other, _, _ in self.pairs:
            yield head
            if other is not None and len(other) == 3:
                yield other


CONTAINED = 0
"""In place of a parameter: the token's code is a type of resource that is contained in this one. HL7's numbers begin at 1."""


@lru_cache(maxsize=65536)
def token_hash(param: int, system: str, code: str) -> int:
    """The key of a token in index_token and index_clinical: 64 bits, signed, never 0 (0 means "no code" there).

    The same on every server and in every version: it is stored. Lengths are hashed too, so ("a", "bc") and ("ab", "c") differ.
    """
    head, tail = system.encode(), code.encode()
    digest = blake2b(b"%d %d " % (param, len(head)) + head + tail, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1
