"""FHIRPath of a view → SQL: the part of the language that SQL-on-FHIR asks for, resolved against the types of R4.

An element that a type does not have is refused here and not answered with nothing: a slip in a view would otherwise be an empty column.
https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html (FHIRPath subset)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from yilian.analytics.views import boundaries
from yilian.analytics.views.definition import wrong
from yilian.analytics.views.dialect import Dialect, Way, quoted
from yilian.errors import InvalidResource
from yilian.fhir.definitions import Element, is_resource_type, structure
from yilian.fhir.path import syntax
from yilian.fhir.path.syntax import Node
from yilian.fhir.path.temporal import Temporal

NUMBERS = {"integer": "integer", "positiveInt": "integer", "unsignedInt": "integer", "decimal": "decimal"}
LONGEST = 100_000  # characters of SQL of one expression; each lowBoundary() says its value several times
TEMPORAL = frozenset({"date", "dateTime", "instant", "time"})
_COMPARE = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TEXT_FUNCTIONS = {
    "startsWith": "left({0}, length({1})) = {1}",
    "endsWith": "right({0}, length({1})) = {1}",
    "contains": "strpos({0}, {1}) > 0",
}


@dataclass(frozen=True, slots=True)
class One:
    """A single value. `native`: SQL of its own type (text, boolean, number); otherwise JSON at the end of `way` from `sql`."""

    sql: str
    type: str
    way: Way = ()
    native: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """Any number of values: a node and a way with `*` in it, or, `listed`, a list already made."""

    sql: str
    type: str
    way: Way = ()
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """`value[x]` before its type is chosen: what it is an element of, and the elements there are."""

    of: One | Many
    options: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """What can never be there."""

    type: str = ""


Result = One | Many | Choice | Nothing


class Unknown(InvalidResource):
    """An element that the type does not have. Only `repeat` goes on then."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression is taken of. `root`: the whole resource; `index`: SQL of %rowIndex; `constants`: name → (type, value)."""

    this: Result
    root: One
    index: str
    constants: dict[str, tuple[str, Any]]


class Paths:
    """Compiles the expressions of one view for one engine."""

    def __init__(self, dialect: Dialect) -> None:
        self.sql = dialect

    # --- what a select needs

    def boolean(self, node: Node, context: Context, place: str) -> str:
        """A condition, null where it is open."""
        try:
            found = self.value(self.of(node, context), "a condition")
        except InvalidResource as error:
            raise placed(error, place) from None
        if found.type != "boolean":
            raise wrong(f"A condition is true or false, this is {found.type or 'nothing'}.", place)
        return found.sql

    def column(self, node: Node, context: Context, place: str, *, collection: bool) -> tuple[str, str]:
        """(SQL, FHIR type) of a column; a collection is a list of JSON."""
        try:
            found = self.of(node, context)
            if collection:
                return self.list(found), found.type if not isinstance(found, Choice) else ""
            value = self.value(found, "A column that is no collection")
        except InvalidResource as error:
            raise placed(error, place) from None
        return value.sql, value.type

    def rows(self, node: Node, context: Context, place: str) -> tuple[str, str]:
        """(list, type of its values) of what a select is repeated for."""
        try:
            found = self.of(node, context)
            if isinstance(found, Choice):
                raise wrong("Say of which type, with ofType().")
            return self.list(found), found.type
        except InvalidResource as error:
            raise placed(error, place) from None

    # --- shapes

    def list(self, found: Result) -> str:
        """Any result as a list."""
        match found:
            case Many(sql, _, way, listed):
                return sql if listed else self.sql.values(sql, way)
            case One(sql, _, way, native):
                return self.sql.one(self._as_json(found) if native else self.sql.node(sql, way))
            case Choice(of, options):
                return self.sql.chained([self.list(self._element(of, option)) for option in options])
            case Nothing():
                return "null"

    def _as_json(self, one: One) -> str:
        return f"to_jsonb({one.sql})" if self.sql.name == "postgres" else f"to_json({one.sql})"

    def value(self, found: Result, what: str) -> One:
        """Any result as a single value of SQL's own; several end the statement."""
        if isinstance(found, Choice):
            raise wrong("Say of which type, with ofType().")
        if isinstance(found, Nothing):
            return One("null", found.type, native=True)
        if isinstance(found, Many):
            values = self.list(found)
            first = self._native(One(self.sql.at(values, 0), found.type))
            count = self.sql.count(values)
            several = self.sql.refused(f"{what} has several values", self._sql_type(found.type), count)
            return replace(first, sql=f"case when {count} > 1 then {several} else {first.sql} end")
        return found if found.native else self._native(found)

    def _native(self, one: One) -> One:
        kind = structure(one.type).kind if one.type else "complex"
        if kind != "primitive":
            kept = "text" if self.sql.name == "postgres" else "varchar"
            return One(f"cast({self.sql.node(one.sql, one.way)} as {kept})", one.type, native=True)
        text = self.sql.text(one.sql, one.way)
        sql_type = self._sql_type(one.type)
        return One(text if sql_type == "text" else self.sql.cast(text, sql_type), one.type, native=True)

    def _sql_type(self, kind: str) -> str:
        return "boolean" if kind == "boolean" else NUMBERS.get(kind, "text")

    # --- expressions

    def of(self, node: Node, context: Context) -> Result:
        if isinstance(found := self._of(node, context), (One, Many)) and len(found.sql) > LONGEST:
            raise wrong("The expression makes too long a query; write it more simply.")
        return found

    def _of(self, node: Node, context: Context) -> Result:
        match node:
            case syntax.Literal(value):
                return self._literal(value)
            case syntax.Name(name):
                if name == context.root.type and context.this == context.root:
                    return context.root
                return self._step(context.this, name)
            case syntax.Path(of, syntax.Name(name)):
                return self._step(self.of(of, context), name)
            case syntax.Path(of, syntax.Call() as call):
                return self._call(self.of(of, context), call, context)
            case syntax.Call():
                return self._call(context.this, node, context)
            case syntax.Indexed(of, syntax.Literal(int(place))):
                return self._at(self.of(of, context), place)
            case syntax.This("this"):
                return context.this
            case syntax.Variable(name):
                return self._variable(name, context)
            case syntax.Signed(sign, of):
                number = self._number(self.of(of, context))
                return replace(number, sql=f"({sign}{number.sql})")
            case syntax.Binary(operator, left, right):
                return self._binary(operator, self.of(left, context), self.of(right, context))
            case syntax.Empty():
                return Nothing()
            case _:
                raise wrong("This part of FHIRPath is not known to views.")

    def _literal(self, value: Any) -> One:
        if isinstance(value, bool):
            return One("true" if value else "false", "boolean", native=True)
        if isinstance(value, int):
            return One(str(value), "integer", native=True)
        if isinstance(value, Decimal):
            return One(f"{value:f}", "decimal", native=True)
        if isinstance(value, str):
            return One(quoted(value), "string", native=True)
        if isinstance(value, Temporal):
            kind = {"Date": "date", "DateTime": "dateTime", "Time": "time"}[type(value).__name__]
            return One(quoted(str(value).removeprefix("T") if kind == "time" else str(value)), kind, native=True)
        raise wrong("A quantity cannot stand in a view; compare its value.")

    def _variable(self, name: str, context: Context) -> One:
        if name == "rowIndex":
            return One(context.index, "integer", native=True)
        if name in ("resource", "rootResource"):
            return context.root
        if name not in context.constants:
            raise wrong(f"There is no constant %{name[:40]}.")
        kind, value = context.constants[name]
        if kind == "boolean" and isinstance(value, bool):
            return One("true" if value else "false", kind, native=True)
        if kind in NUMBERS and isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return One(f"{value:f}" if isinstance(value, Decimal) else str(value), kind, native=True)
        if isinstance(value, str) and kind not in NUMBERS and kind != "boolean":
            return One(quoted(value), kind, native=True)
        raise wrong(f"The constant %{name} is no {kind}.")

    def _step(self, of: Result, name: str) -> Result:
        if isinstance(of, Nothing):
            return of
        if isinstance(of, Choice):
            raise wrong(f"Say of which type {name!r} is asked, with ofType().")
        elements = structure(of.type).elements if of.type else {}
        if name in elements and elements[name].choice is None:
            return self._element(of, elements[name])
        options = tuple(element for element in elements.values() if element.choice == f"{name}[x]")
        if options:
            return Choice(of, options)
        raise Unknown(f"{of.type or 'A value'} has no element {name[:60]!r}.", zh="视图定义有误,请按提示修改。")

    def _element(self, of: One | Many, element: Element) -> One | Many:
        way: Way = (element.key, "*") if element.many else (element.key,)
        if isinstance(of, One):
            if of.native:
                raise wrong(f"{of.type} has no elements.")
            return Many(of.sql, element.type, of.way + way) if element.many else One(of.sql, element.type, of.way + way)
        if of.listed:
            return Many(self.sql.below(of.sql, way), element.type, listed=True)
        return Many(of.sql, element.type, of.way + way)

    def _at(self, of: Result, place: int) -> Result:
        if isinstance(of, Many):
            return One(self.sql.at(self.list(of), place), of.type)
        return of if place == 0 else Nothing(of.type if not isinstance(of, Choice) else "")

    def _call(self, of: Result, call: syntax.Call, context: Context) -> Result:
        name, arguments = call.name, call.arguments
        simple: dict[str, Callable[[Result], Result]] = {
            "first": lambda found: self._at(found, 0),
            "exists": lambda found: self._exists(found),
            "empty": lambda found: One(f"not {self._exists(found).sql}", "boolean", native=True),
            "not": lambda found: One(f"(not {self._truth(found)})", "boolean", native=True),
            "count": lambda found: One(self.sql.count(self.list(found)), "integer", native=True),
            "getResourceKey": lambda found: self._resource_key(found, context),
            "lowBoundary": lambda found: self._boundary(found, high=False),
            "highBoundary": lambda found: self._boundary(found, high=True),
        }
        if name in simple and not arguments:
            return simple[name](of)
        if name in ("where", "exists") and len(arguments) == 1:
            kept = self._where(of, arguments[0], context)
            return kept if name == "where" else self._exists(kept)
        if name == "ofType" and len(arguments) == 1:
            return self._of_type(of, arguments[0])
        if name == "extension" and len(arguments) == 1:
            return self._extension(of, arguments[0])
        if name == "join" and len(arguments) <= 1:
            separator = self.value(self.of(arguments[0], context), "A separator").sql if arguments else "''"
            return One(self.sql.joined(self.list(of), separator), "string", native=True)
        if name == "getReferenceKey" and len(arguments) <= 1:
            return self._reference_key(of, syntax.type_named(arguments[0]) if arguments else None)
        if name in _TEXT_FUNCTIONS and len(arguments) == 1:
            text, other = self.value(of, name).sql, self.value(self.of(arguments[0], context), name).sql
            return One(f"({_TEXT_FUNCTIONS[name].format(text, other)})", "boolean", native=True)
        if name in ("upper", "lower", "length") and not arguments:
            return One(f"{name}({self.value(of, name).sql})", "integer" if name == "length" else "string", native=True)
        raise wrong(f"{name}() with {len(arguments)} arguments is not known to views.")

    def _exists(self, of: Result) -> One:
        if isinstance(of, One):
            found = f"({of.sql if of.native else self.sql.node(of.sql, of.way)} is not null)"
        elif isinstance(of, Nothing):
            found = "false"
        else:
            found = f"({self.sql.count(self.list(of))} > 0)"
        return One(found, "boolean", native=True)

    def _where(self, of: Result, condition: Node, context: Context) -> Result:
        if isinstance(of, (Choice, Nothing)):
            raise wrong("where() is asked of elements of one type.")
        kind = of.type

        def holds(value: str) -> str:
            return self.boolean(condition, replace(context, this=One(value, kind)), "")

        return Many(self.sql.kept(self.list(of), holds), kind, listed=True)

    def _of_type(self, of: Result, argument: Node) -> Result:
        named = syntax.type_named(argument)
        if named is None:
            raise wrong("ofType() names a type.")
        if isinstance(of, Choice):
            for option in of.options:
                if option.type == named.name:
                    return self._element(of.of, option)
            return Nothing(named.name)
        if isinstance(of, Nothing) or of.type == named.name:
            return of
        if of.type == "Resource" and is_resource_type(named.name):
            kept = self.sql.kept(self.list(of), lambda value: f"{self.sql.text(value, ('resourceType',))} = {quoted(named.name)}")
            return Many(kept, named.name, listed=True)
        return Nothing(named.name)

    def _extension(self, of: Result, argument: Node) -> Result:
        if not isinstance(argument, syntax.Literal) or not isinstance(argument.value, str):
            raise wrong("extension() takes a url.")
        url = argument.value
        if isinstance(of, One) and structure(of.type).kind == "primitive" and of.way:
            of = One(of.sql, "Element", (*of.way[:-1], "_" + of.way[-1]))
        below = self._step(of, "extension")
        kept = self.sql.kept(self.list(below), lambda value: f"{self.sql.text(value, ('url',))} = {quoted(url)}")
        return Many(kept, "Extension", listed=True)

    def _resource_key(self, of: Result, context: Context) -> One:
        if of != context.root:
            raise wrong("getResourceKey() is asked of the resource itself.")
        key = f"({quoted(context.root.type + '/')} || {self.sql.text(context.root.sql, ('id',))})"
        return One(key, "string", native=True)

    def _reference_key(self, of: Result, named: syntax.TypeName | None) -> Result:
        if isinstance(of, (Choice, Nothing)) or of.type != "Reference":
            raise wrong("getReferenceKey() is asked of a Reference.")
        if named is not None and not is_resource_type(named.name):
            raise wrong(f"{named.name[:40]!r} is not a resource type of FHIR R4.")
        kind = named.name if named else "[A-Z][A-Za-z]+"
        pattern = rf"^(?:.*/)?({kind}/[A-Za-z0-9.\-]+)(?:/_history/[A-Za-z0-9.\-]+)?$"
        if isinstance(of, Many):
            values = self.list(of)
            count = self.sql.count(values)
            several = self.sql.refused("getReferenceKey() has several values", "text", count)
            text = self.sql.text(self.sql.at(values, 0), ("reference",))
            key = f"case when {count} > 1 then {several} else {self.sql.part_of(text, pattern)} end"
        else:
            key = self.sql.part_of(self.sql.text(of.sql, (*of.way, "reference")), pattern)
        return One(key, "string", native=True)

    def _boundary(self, of: Result, *, high: bool) -> One:
        if isinstance(of, Nothing):
            return One("null", of.type, native=True)
        if isinstance(of, One) and not of.native and of.type == "decimal":
            text, kind = self.sql.text(of.sql, of.way), "decimal"  # its digits count
        else:
            one = self.value(of, "A boundary")
            text, kind = one.sql, one.type
        return One(boundaries.sql(self.sql, text, kind, high=high), "dateTime" if kind == "instant" else kind, native=True)

    # --- operators

    def _binary(self, operator: str, left: Result, right: Result) -> One:
        if operator in ("and", "or", "xor", "implies"):
            a, b = self._truth(left), self._truth(right)
            said = {"and": f"({a} and {b})", "or": f"({a} or {b})", "xor": f"({a} <> {b})", "implies": f"(not {a} or {b})"}
            return One(said[operator], "boolean", native=True)
        if operator in ("=", "!="):
            return self._equal(operator, left, right)
        if operator in _COMPARE:
            a, b = self._comparable(self.value(left, operator), self.value(right, operator))
            return One(f"({a} {_COMPARE[operator]} {b})", "boolean", native=True)
        if operator == "&" or (operator == "+" and "string" in (_type(left), _type(right))):
            a, b = self.value(left, operator).sql, self.value(right, operator).sql
            return One(f"(coalesce({a}, '') || coalesce({b}, ''))" if operator == "&" else f"({a} || {b})", "string", native=True)
        if operator in ("+", "-", "*", "/", "div", "mod"):
            return self._arithmetic(operator, self._number(left), self._number(right))
        raise wrong(f"The operator {operator!r} is not known to views.")

    def _truth(self, of: Result) -> str:
        value = self.value(of, "A condition")
        if value.type not in ("boolean", ""):
            raise wrong(f"A condition is true or false, this is {value.type}.")
        return value.sql

    def _equal(self, operator: str, left: Result, right: Result) -> One:
        """Two collections of different length differ; one that is empty leaves it open."""
        counts = [self.sql.count(self.list(side)) for side in (left, right) if isinstance(side, Many)]
        sides = [One(self.sql.at(self.list(side), 0), side.type) if isinstance(side, Many) else side for side in (left, right)]
        a, b = self._comparable(self.value(sides[0], operator), self.value(sides[1], operator))
        said = f"({a} {_COMPARE[operator]} {b})"
        if counts:
            several = " or ".join(f"{count} > 1" for count in counts)
            said = f"(case when {several} then {'false' if operator == '=' else 'true'} else {said} end)"
        return One(said, "boolean", native=True)

    def _comparable(self, left: One, right: One) -> tuple[str, str]:
        kinds = {self._sql_type(left.type), self._sql_type(right.type)}
        if "" in (left.type, right.type):
            return left.sql, right.sql
        if kinds <= {"integer", "decimal"} or len(kinds) == 1:
            if left.type in ("dateTime", "instant") and right.type in TEMPORAL and right.type != "time":
                return self.sql.moment(left.sql), self.sql.moment(right.sql)
            if right.type in ("dateTime", "instant") and left.type == "date":
                return self.sql.moment(left.sql), self.sql.moment(right.sql)
            return left.sql, right.sql
        raise wrong(f"{left.type} and {right.type} cannot be compared.")

    def _number(self, of: Result) -> One:
        value = self.value(of, "A number")
        if value.type not in NUMBERS and value.type:
            raise wrong(f"A number is needed, this is {value.type}.")
        return value

    def _arithmetic(self, operator: str, left: One, right: One) -> One:
        whole = all(NUMBERS.get(side.type, "") == "integer" for side in (left, right))
        a, b = left.sql, right.sql
        if operator == "/":
            decimal = "numeric" if self.sql.name == "postgres" else "double"
            return One(f"(cast({a} as {decimal}) / nullif({b}, 0))", "decimal", native=True)
        if operator in ("div", "mod"):
            kind = "integer" if whole else "decimal"
            if operator == "mod":
                return One(f"({a} % nullif({b}, 0))", kind, native=True)
            decimal = "numeric" if self.sql.name == "postgres" else "double"
            return One(f"cast(trunc(cast({a} as {decimal}) / nullif({b}, 0)) as integer)", "integer", native=True)
        return One(f"({a} {operator} {b})", "integer" if whole else "decimal", native=True)


def _type(found: Result) -> str:
    return "" if isinstance(found, Choice) else found.type


def placed(error: InvalidResource, place: str) -> InvalidResource:
    if not place or error.issues[0].expression:
        return error
    return type(error)(error.issues[0].diagnostics, expression=place, zh=error.issues[0].zh)
