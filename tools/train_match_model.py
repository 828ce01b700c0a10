"""Make src/yilian/identity/matching/default_model.json: the matching model a new region begins with.

    .venv/bin/python -m tools.train_match_model [PEOPLE]

Trained, without being told who is who, on made-up people of the demo region (bench/match_people.py) of whom one record in five is a second
registration with slips (bench/match_slips.py). No real person is in it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import msgspec

from bench.match_table import records, table
from yilian.identity.matching import linkage
from yilian.identity.matching.model import as_json, beginning

PEOPLE = 40_000
SEED = 20261122
FILE = Path(__file__).parents[1] / "src/yilian/identity/matching/default_model.json"


def main(people: int) -> None:
    with linkage.engine() as connection:
        connection.execute("set threads = 1")  # the same people give the same model
        connection.register("given", table([patient for _, patient in records(people, Random(SEED))]))
        linkage.prepare(connection, "given")
        trained = linkage.train(connection, beginning(), seed=SEED)
    told = {
        "note": f"{people:,} made-up people of the demo region, 20 % of the records second registrations with slips; no real person",
        "prior": float(f"{trained.model.prior:.6g}"),
        "weights": {
            comparison: {level: {side: float(f"{share:.6g}") for side, share in w.items()} for level, w in levels.items()}
            for comparison, levels in as_json(trained.model).items()
        },
        "counts": {**trained.model.counts, "terms": False},
    }
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
