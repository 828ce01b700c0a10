"""What the medical insurance leaves to the patient at an institution of some tier, as far as the region has said: an estimate to choose by.

The table is the policy `directory.inpatient_payment`, dated as every policy; what is shipped are examples, to be confirmed by the region.
起付线 (what the patient pays first) and 政策范围内报销比例 differ by tier so that care near home is dearer to nobody (国办发〔2015〕70号).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yilian.directory.tiers import TIERS


@dataclass(frozen=True, slots=True)
class Payment:
    """deductible: 起付线 of one stay, in yuan; percent: of what is covered, what the insurance pays beyond it."""

    deductible: Decimal
    percent: Decimal


def payments_of(value: Mapping[str, Any]) -> dict[str, Payment]:
    """By tier, from the policy; a tier that is left out has no figure. ValueError for what makes no sense."""
    found = {}
    for tier, row in value.items():
        payment = Payment(Decimal(str(row["deductible"])), Decimal(str(row["percent"])))
        if tier not in TIERS or payment.deductible < 0 or not 0 <= payment.percent <= 100:
            raise ValueError("directory.inpatient_payment: a tier, deductible not below 0 yuan, percent 0 to 100")
        found[tier] = payment
    return found
