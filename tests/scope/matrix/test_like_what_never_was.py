"""Whatever a post asks, the answer is to the byte that of a region in which what it may not see was never written.

Of all combinations of post, interaction, ground, consent, kind and origin those are asked in which every three values stand together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from math import prod

import pytest

from tests.http.house import running
from tests.scope.asks import Told
from tests.scope.matrix.asking import asked, by_design, interactions, plain, told, words_of
from tests.scope.matrix.conftest import Matrix
from tests.scope.matrix.covering import covering, uncovered
from tests.scope.matrix.posts import Post, posts
from tests.scope.matrix.region import KINDS, ORIGINS, name_of
from tests.scope.matrix.states import consent_states, ground_states
from yilian.db import utc_now

Cell = tuple[int, int, int, int, int]
"""Places of interaction, ground, consent, kind and origin."""


def _some(blind: bool) -> list[Post]:
    return [post for post in posts() if (post.asker.reach == "nothing") == blind]


@cache
def sizes(blind: bool) -> tuple[int, ...]:
    """Posts, interactions, grounds, consents, kinds, origins. `blind`: of the posts that see no patients, whatever was granted."""
    states = len(ground_states(utc_now())), len(consent_states(utc_now()))
    return len(_some(blind)), len(interactions()), *states, len(KINDS) + 1, len(ORIGINS)


@cache
def rows(blind: bool) -> list[tuple[int, ...]]:
    """Those who see somebody ask in every three values; to those who see nobody all is alike, and they ask in every two."""
    return covering(sizes(blind), 2 if blind else 3)


@cache
def cells(post: Post) -> list[Cell]:
    blind = post.asker.reach == "nothing"
    place = _some(blind).index(post)
    return [(row[1], row[2], row[3], row[4], row[5]) for row in rows(blind) if row[0] == place]


@pytest.mark.parametrize("blind", [False, True], ids=["who see somebody", "who see nobody"])
def test_every_so_many_values_stand_together(blind: bool, record_property: Callable[[str, object], None]) -> None:
    strength = 2 if blind else 3
    assert uncovered(rows(blind), sizes(blind), strength) == 0
    size = " x ".join(map(str, sizes(blind)))
    record_property("matrix", f"{size} = {prod(sizes(blind)):,} combinations; {len(rows(blind)):,} cells hold every {strength} values")


@pytest.mark.parametrize("post", posts(), ids=lambda post: str(post.account))
async def test_an_answer_tells_nothing_of_what_is_hidden(
    matrix: Matrix, post: Post, record_property: Callable[[str, object], None]
) -> None:
    region, twin = matrix.region, await matrix.twin(post)
    seen = region.seen(post.asker)
    known = {region.things[name].patient for name in seen}
    of_nobody: dict[str, Told] = {}
    different: dict[str, list[str]] = defaultdict(list)
    compared = 0
    async with running(matrix.dsn) as server, running(twin) as other:
        there, never = await matrix.client(server, post), await matrix.client(other, post)
        for cell in cells(post):
            interaction = interactions()[cell[0]]
            case = region.cases[cell[1], cell[2]]
            thing = region.things[name_of(case, cell[3], cell[4])]
            ask, about = interaction.make(region, case, thing)
            if by_design(post, interaction) or (interaction.changes and about in seen) or (interaction.own and case.id in known):
                continue  # what may be done is done by tests of its own
            told_there = await told(there, ask)
            if case.id in known:
                told_never = await told(never, ask)
            else:  # in the twin nobody of this case ever was, and each is like the other
                words = words_of(region, case, thing)
                key = asked(words, ask)
                if key not in of_nobody:
                    of_nobody[key] = plain(words, await told(never, ask))
                told_there, told_never = plain(words, told_there), of_nobody[key]
            compared += 1
            if told_there != told_never:
                where = f"{case.ground.name} / {case.consent.name} / {thing.name} of {thing.origin or 'the region'}, kinds {thing.kinds}"
                different[interaction.name].append(f"{where}\n   {ask.method} {ask.path}\n{_difference(told_there, told_never)}")
    record_property("compared", compared)
    assert not different, "\n".join(f"{name} ({len(some)}): {some[0]}" for name, some in different.items())


def _difference(one: Told, other: Told) -> str:
    """Where two answers part."""
    texts = [f"{told.status} {told.headers} {told.body.decode(errors='replace')}" for told in (one, other)]
    place = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), 0)
    return "\n".join(f"   {told.status} …{text[max(0, place - 80) : place + 160]}" for told, text in zip((one, other), texts, strict=True))
