"""What the insurance leaves to the patient, by tier: the policy as it is shipped, and what makes no sense in it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from yilian import policy
from yilian.directory.payment import Payment, payments_of
from yilian.directory.tiers import rank


def test_what_is_shipped_is_an_example_and_dearer_the_higher_the_tier() -> None:
    shipped = policy.defaults()["directory.inpatient_payment"]
    assert (shipped.evidence, "confirmed by the region" in shipped.note) == ("example", True)
    found = payments_of(shipped.value)
    assert found["county"] == Payment(Decimal(500), Decimal(80))
    by_tier = [found[tier] for tier in sorted(found, key=rank)]
    assert all(low.deductible < high.deductible and low.percent > high.percent for low, high in pairwise(by_tier))


@pytest.mark.parametrize("row", [{"deductible": -1, "percent": 80}, {"deductible": 1, "percent": 101}])
def test_figures_that_make_no_sense_are_refused(row: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="inpatient_payment"):
        payments_of({"county": row})
    with pytest.raises(ValueError, match="inpatient_payment"):
        payments_of({"moon": {"deductible": 1, "percent": 1}})
