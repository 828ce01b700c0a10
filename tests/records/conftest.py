"""The region of the referral tests: a record is read there under the same grounds."""

from __future__ import annotations

from tests.referral.conftest import region

__all__ = ["region"]
