"""The small region of `tests/http`, as a server on a database of its own."""

from tests.http.conftest import furnished, furnished_dsn, server

__all__ = ["furnished", "furnished_dsn", "server"]
