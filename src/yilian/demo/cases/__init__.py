from __future__ import annotations
CASES: tuple = ()
BY_KEY: dict = {}
