"""Every post finds, over all states of ground and consent, kinds and origins, what it may know of: each thing, and no more in the total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import httpx
import pytest

from tests.http.house import running
from tests.scope.matrix.conftest import Matrix
from tests.scope.matrix.posts import Post, beside, posts


async def listed(client: httpx.AsyncClient, kind: str) -> tuple[set[str], int] | None:
    """The ids of all there is of a type and the total told; None where the type is closed to who asks."""
    found: set[str] = set()
    total = -1
    url: str | None = f"/fhir/{kind}?_count=1000&_total=accurate&_elements=id"
    while url:
        answer = await client.get(url)
        if answer.status_code == 403:
            return None
        assert answer.status_code == 200, answer.text
        page = answer.json()
        total = page.get("total", total)
        found |= {one["resource"]["id"] for one in page.get("entry", [])}
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return found, total


@pytest.mark.parametrize("post", [*posts(), *beside()], ids=lambda post: str(post.account))
async def test_a_post_finds_what_it_may_know_of_and_counts_no_more(
    matrix: Matrix, post: Post, record_property: Callable[[str, object], None]
) -> None:
    expected: dict[str, set[str]] = defaultdict(set)
    region = matrix.region
    kinds = sorted({thing.type for thing in region.things.values()})
    for thing in region.things.values():
        if region.sees(post.asker, thing):
            expected[thing.type].add(thing.id)
    async with running(matrix.dsn) as server:
        client = await matrix.client(server, post)
        for kind in kinds:
            there = await listed(client, kind)
            if there is None:
                assert not expected[kind], kind
                continue
            found, total = there
            assert found - expected[kind] == set(), (kind, "is seen")
            assert expected[kind] - found == set(), (kind, "is not seen")
            assert total == len(expected[kind]), kind
    record_property("compared", len(region.things))
