"""Tokens to the tree of an expression, by the precedence of N1. http://hl7.org/fhirpath/N1/#operator-precedence"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import cast

from yilian.fhir.path.lexer import Token, tokens, unreadable
from yilian.fhir.path.quantity import CALENDAR, Quantity
from yilian.fhir.path.syntax import (
    Binary,
    Call,
    Empty,
    Indexed,
    Literal,
    Name,
    Node,
    Operator,
    Path,
    Signed,
    This,
    TypeName,
    TypeTest,
    Variable,
)
from yilian.fhir.path.temporal import literal_moment

LEVELS: tuple[frozenset[str], ...] = (
    frozenset(("implies",)),
    frozenset(("or", "xor")),
    frozenset(("and",)),
    frozenset(("in", "contains")),
    frozenset(("=", "~", "!=", "!~")),
    frozenset(("<=", "<", ">", ">=")),
    frozenset(("|",)),
    frozenset(("is", "as")),
    frozenset(("+", "-", "&")),
    frozenset(("*", "/", "div", "mod")),
)
"""From what binds least to what binds most; all are read from left to right."""

RANKS = {operator: rank for rank, operators in enumerate(LEVELS) for operator in operators}

KEYWORDS = frozenset(("and", "or", "xor", "implies", "div", "mod", "in", "is", "as", "contains", "true", "false"))
STILL_NAMES = frozenset(("as", "is", "contains", "in"))
"""Keywords that may be the name of an element or function."""

DEEPEST = 100
"""Brackets within brackets; deeper ones are refused before Python's own stack ends."""


@lru_cache(maxsize=4096)
def parse(expression: str) -> Node:
    """The tree of an expression; see `yilian.fhir.path.syntax`. Raises PathSyntaxError."""
    reader = _Reader(expression)
    found = reader.level(0)
    reader.end()
    return found


class _Reader:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = tokens(expression)
        self.place = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def take(self, sign: str) -> bool:
        if self.here.kind == "sign" and self.here.text == sign:
            self.place += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise unreadable(self.expression, self.here.at, f"{sign!r} is expected.")

    def end(self) -> None:
        if self.here.kind != "end":
            raise unreadable(self.expression, self.here.at)

    def level(self, lowest: int) -> Node:
        """Everything that binds at least as much as this level."""
        left = self.signed()
        while True:
            token = self.here
            rank = RANKS.get(token.text, -1) if token.kind in ("sign", "name") else -1
            if rank < lowest:
                return left
            self.place += 1
            if token.text in ("is", "as"):
                left = TypeTest("is" if token.text == "is" else "as", left, self.type_name(), token.at)
            else:
                left = Binary(cast(Operator, token.text), left, self.level(rank + 1), token.at)

    def type_name(self) -> TypeName:
        first = self.name()
        return TypeName(first, self.name()) if self.take(".") else TypeName("", first)

    def name(self) -> str:
        token = self.here
        if token.kind == "quoted" or (token.kind == "name" and (token.text not in KEYWORDS or token.text in STILL_NAMES)):
            self.place += 1
            return token.text
        raise unreadable(self.expression, token.at, "a name is expected.")

    def signed(self) -> Node:
        token = self.here
        if token.kind == "sign" and token.text in ("+", "-"):
            self.place += 1
            self.deeper()
            found = Signed("-" if token.text == "-" else "+", self.signed(), token.at)
            self.depth -= 1
            return found
        return self.path()

    def path(self) -> Node:
        left = self.term()
        while True:
            at = self.here.at
            if self.take("."):
                if self.here.kind == "this":
                    raise unreadable(self.expression, self.here.at, "$this, $index and $total stand at the beginning.")
                left = Path(left, self.step(), at)
            elif self.take("["):
                self.deeper()
                left = Indexed(left, self.level(0), at)
                self.depth -= 1
                self.need("]")
            else:
                return left

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise unreadable(self.expression, self.here.at, f"it nests deeper than {DEEPEST} levels.")

    def step(self) -> Name | Call:
        at = self.here.at
        name = self.name()
        if not self.take("("):
            return Name(name, at)
        self.deeper()
        arguments: list[Node] = []
        descending: list[int] = []
        if not self.take(")"):
            while True:
                arguments.append(self.level(0))
                if name == "sort" and self.here.kind == "name" and self.here.text in ("asc", "desc") and self.next().text == "desc":
                    descending.append(len(arguments) - 1)
                if not self.take(","):
                    break
            self.need(")")
        self.depth -= 1
        return Call(name, tuple(arguments), at, tuple(descending))

    def term(self) -> Node:
        token = self.here
        match token.kind:
            case "string":
                self.place += 1
                return Literal(token.text, token.at)
            case "number":
                self.place += 1
                return self.number(token)
            case "moment":
                self.place += 1
                moment = literal_moment(token.text)
                if moment is None:
                    raise unreadable(self.expression, token.at, "there is no such date or time.")
                return Literal(moment, token.at)
            case "this":
                self.place += 1
                return This(token.text[1:], token.at)  # type: ignore[arg-type]
            case "percent":
                self.place += 1
                return Variable(self.variable(), token.at)
            case "name" if token.text in ("true", "false"):
                self.place += 1
                return Literal(token.text == "true", token.at)
            case "name" | "quoted":
                return self.step()
        if self.take("("):
            self.deeper()
            found = self.level(0)
            self.depth -= 1
            self.need(")")
            return found
        if self.take("{"):
            self.need("}")
            return Empty(token.at)
        raise unreadable(self.expression, token.at)

    def variable(self) -> str:
        if self.here.kind == "string":
            return self.next().text
        return self.name()

    def number(self, token: Token) -> Node:
        """A number; with a unit behind it (`4 days`, `5 'mg'`) a quantity."""
        after = self.here
        if after.kind == "string":
            self.place += 1
            return Literal(Quantity(Decimal(token.text), after.text), token.at)
        if after.kind == "name" and after.text in CALENDAR:
            self.place += 1
            return Literal(Quantity(Decimal(token.text), CALENDAR[after.text], calendar=True), token.at)
        return Literal(Decimal(token.text) if "." in token.text else int(token.text), token.at)
