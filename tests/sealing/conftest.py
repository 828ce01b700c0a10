"""The small region of `tests/http`, as a server on a database of its own."""

from tests.http.conftest import server

__all__ = ["server"]
