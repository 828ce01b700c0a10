"""What goes along with the matches of a page: `_include` and `_revinclude`, in one statement.

Included resources are looked at through the same scope as any other, and so are those on the way to others.
FHIR R4: http://hl7.org/fhir/R4/search.html#revinclude
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.search import canonicals
from yilian.search.conditions import Args
from yilian.search.includes import Include, along
from yilian.search.parameters import parameters_of
from yilian.search.predicates import Scoped
from yilian.search.statement import COLUMNS, Statement

MOST = 10_000
"""Resources that may go along with one page.

The statement gives one more, so that the caller can tell and refuse instead of leaving some out.
"""


def included(
    includes: Sequence[Include], revincludes: Sequence[Include], scope: Scoped, matches: Mapping[str, Sequence[int]]
) -> Statement | None:
    """What goes along with these matches (type → keys), each once, none that is a match itself: rows of `COLUMNS`.

    None when nothing can. More than `MOST` rows mean that the page drags too much along: the caller refuses it (TooLarge).
    """
    if not (includes or revincludes) or not matches:
        return None
    args = Args()
    these = f"{args.add([rid for rids in matches.values() for rid in rids])}::bigint[]"
    sql = _Asked(includes, revincludes, scope, matches, these, args).sql()
    return Statement(sql, tuple(args.values)) if sql else None


def beside(includes: Sequence[Include], revincludes: Sequence[Include], scope: Scoped, kind: str, these: str) -> str:
    """The same as part of a larger statement, for matches of one type; "" when nothing can go along. It has no arguments.

    `these`: SQL for the array of their keys.
    """
    return _Asked(includes, revincludes, scope, {kind: ()}, these, Args()).sql()


@dataclass(slots=True)
class _From:
    """The resources that are followed: the SQL after `x.rid`; what else must hold of them; the types they can be of."""

    rid: str
    only: str
    kinds: Sequence[str]


_Picking = Callable[[Sequence[str]], _From | None]
"""Of some types those who are followed; None where there are none."""


class _Asked:
    """`these`: SQL for the array of all matches."""

    def __init__(
        self,
        includes: Sequence[Include],
        revincludes: Sequence[Include],
        scope: Scoped,
        matches: Mapping[str, Sequence[int]],
        these: str,
        args: Args,
    ) -> None:
        self.includes = includes
        self.revincludes = revincludes
        self.matches = matches
        self.types = along(includes, revincludes)
        self.seen = scope.condition("r", self.types)
        self.scope = scope
        self.args = args
        self.all = these

    def sql(self) -> str:
        if any(one.iterate for one in (*self.includes, *self.revincludes)):
            return self.closure()
        return self.once()

    def once(self) -> str:
        """From the matches alone."""
        parts = self.parts(self.includes, self.revincludes, self.of_matches)
        if not parts:
            return ""
        return (
            f"select s.* from (select {COLUMNS} from (select distinct rid from ({' union all '.join(parts)}) u"
            f" where u.rid <> all({self.all})) p join resource r on r.rid = p.rid"
            f" where not r.deleted and {self.seen} limit {MOST + 1}) s order by s.type, s.rid"
        )

    def closure(self) -> str:
        """From the matches, and by `:iterate` from what goes along too, until nothing new comes: cycles end, since each comes once."""
        first = [one for one in self.includes if not one.iterate], [one for one in self.revincludes if not one.iterate]
        again = [one for one in self.includes if one.iterate], [one for one in self.revincludes if one.iterate]
        parts = self.parts(*first, self.of_reached(" and w.first", tuple(self.matches)))
        parts += self.parts(*again, self.of_reached("", RESOURCE_TYPES))
        return (
            "with recursive reached (rid, type, first) as ("
            f"select m.rid, m.type, true from resource m where m.rid = any({self.all})"
            " union select n.rid, n.type, false from reached w cross join lateral"
            f" (select r.rid, r.type from ({' union all '.join(parts)}) u join resource r on r.rid = u.rid"
            f" where not r.deleted and {self.seen}) n)"
            f" select {COLUMNS} from (select f.rid from reached f where not f.first and f.rid <> all({self.all})"
            f" limit {MOST + 1}) p join resource r on r.rid = p.rid order by r.type, r.rid"
        )

    # --- whom is followed

    def of_matches(self, kinds: Sequence[str]) -> _From | None:
        """The matches that are of one of these types."""
        here = [kind for kind in self.matches if kind in kinds]
        if not here:
            return None
        if len(here) == len(self.matches):
            return _From(f"= any({self.all})", "", here)
        return _From(f"= any({self.args.add([rid for kind in here for rid in self.matches[kind]])}::bigint[])", "", here)

    def of_reached(self, more: str, there: Sequence[str]) -> _Picking:
        """A resource that was reached, the row `w`, if it is of one of these types; `there`: the types it can be of at all."""

        def of(kinds: Sequence[str]) -> _From | None:
            here = [kind for kind in there if kind in kinds]
            if not here:
                return None
            numbers = ", ".join(str(type_id(kind)) for kind in here)
            return _From("= w.rid", (f" and w.type in ({numbers})" if len(here) < len(RESOURCE_TYPES) else "") + more, here)

        return of

    # --- along what

    def parts(self, includes: Sequence[Include], revincludes: Sequence[Include], of: _Picking) -> list[str]:
        """Queries (column `rid`) for what is found along each; nothing where nobody is there to follow."""
        found: list[str] = []
        for one in includes:
            start = of((one.source,) if one.source else RESOURCE_TYPES)
            if start:
                found += self.forward(one, start)
        for one in revincludes:
            start = of((one.target,) if one.target else one.parameter.targets if one.parameter else RESOURCE_TYPES)
            if start:
                found += _backward(one, start)
        return found

    def forward(self, one: Include, start: _From) -> list[str]:
        found = []
        if one.parameter is None or "Reference" in one.parameter.value_types:
            param = "<> 0" if one.parameter is None else f"= {one.parameter.id}"
            kind = f" and (select t.type from resource t where t.rid = x.target) = {type_id(one.target)}" if one.target else ""
            if not (one.parameter and one.parameter.is_clinical_patient and "Patient" in (one.target, *_only(one.parameter.targets))):
                found.append(f"select x.target as rid from index_reference x where x.rid {start.rid} and x.param {param}{kind}{start.only}")
            if one.target in ("", "Patient") and (one.parameter is None or one.parameter.is_clinical_patient):
                found.append(
                    f"select x.patient as rid from index_clinical x where x.rid {start.rid} and x.nth = 0 and x.patient <> 0{start.only}"
                )
        followed = canonicals.canonicals_of(start.kinds) if one.parameter is None else [one.parameter]
        followed = [p for p in followed if canonicals.is_canonical(p) and one.target in ("", *p.targets)]
        if followed:
            seen = self.scope.condition("s", self.types)
            found.append(canonicals.forward(followed, one.target, start.rid, lambda _: seen) + start.only)
        return found


def _backward(one: Include, start: _From) -> list[str]:
    parameter, found = one.parameter, []
    if parameter is None:
        sources = (one.source,) if one.source else RESOURCE_TYPES
        references = [p for p in parameters_of(one.source).values() if p.type == "reference"] if one.source else None
        param = "<> 0" if references is None else f"= any('{{{','.join(str(p.id) for p in references)}}}'::smallint[])"
        followed = [p for p in canonicals.canonicals_of(sources) if not set(p.targets).isdisjoint(start.kinds)]
    else:
        param = f"= {parameter.id}"
        followed = [parameter] if canonicals.is_canonical(parameter) else []
    if "Patient" in start.kinds and (parameter is None or parameter.is_clinical_patient):
        kind = f" and x.type = {type_id(one.source)}" if one.source else ""
        found.append(f"select x.rid from index_clinical x where x.patient {start.rid}{kind} and x.nth = 0{start.only}")
    if not (parameter and parameter.is_clinical_patient and tuple(start.kinds) == ("Patient",)) and (
        parameter is None or "Reference" in parameter.value_types
    ):
        found.append(f"select x.rid from index_reference x where x.target {start.rid} and x.param {param}{start.only}")
    if followed:
        found.append(canonicals.backward(followed, start.kinds, start.rid, start.only))
    return found


def _only(targets: Sequence[str]) -> Sequence[str]:
    """The one type there is, or nothing."""
    return targets if len(targets) == 1 else ()
