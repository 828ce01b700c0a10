"""A PostgreSQL of one's own over the network: the server speaks to it over TLS alone and knows whom it speaks to.

The embedded PostgreSQL is built without TLS, so before it stands a relay that speaks the protocol's way into TLS (SSLRequest, PostgreSQL
protocol 55.2.10) with a certificate of the test. What is under test is our side of it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tests.deploy.certificates import Certificates, made
from yilian import app, config

SSL_REQUEST = struct.pack("!II", 8, 80877103)


@dataclass(slots=True)
class Relay:
    """address: as a region would write it, without parameters. spoken: its TLS versions. plain: how many asked for none."""

    address: str
    certificates: Certificates
    spoken: list[str] = field(default_factory=list)
    plain: int = 0


@contextlib.contextmanager
def relayed(dsn: str, folder: Path, name: str = "localhost") -> Iterator[Relay]:
    parts = urlsplit(dsn)
    behind = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.{parse_qs(parts.query)['port'][0]}"
    certificates = made(folder, name)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as database:
                if self.request.recv(8, socket.MSG_WAITALL) != SSL_REQUEST:
                    relay.plain += 1
                    return
                self.request.sendall(b"S")
                with context.wrap_socket(self.request, server_side=True) as caller:
                    relay.spoken.append(caller.version() or "")
                    database.connect(behind)
                    _carry(caller, database)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Connection) as server:
        relay = Relay(f"postgresql://yilian@localhost:{server.server_address[1]}{parts.path}", certificates)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()


def _carry(caller: ssl.SSLSocket, database: socket.socket) -> None:
    """Both ways until one of them ends."""
    while True:
        ready = [caller] if caller.pending() else select.select([caller, database], [], [])[0]
        for one in ready:
            data = one.recv(65536)
            if not data:
                return
            (database if one is caller else caller).sendall(data)


async def test_the_whole_house_stands_on_a_database_it_verifies(dsn: str, tmp_path: Path) -> None:
    with relayed(dsn, tmp_path) as relay:
        address = f"{relay.address}?sslmode=verify-full&sslrootcert={relay.certificates.authority}"
        settings = config.read({"database_url": address}, environment={})
        await app.prepare(settings, address)
        front = app.build(settings, address)
        async with front.others.router.lifespan_context(front.others):
            house = front.fhir.house
            assert (await house.db.fetchrow("select count(*) as n from resource"))["n"]  # type: ignore[index]
            await house.reads.flush()
        assert set(relay.spoken) <= {"TLSv1.2", "TLSv1.3"}
        assert len(relay.spoken) > 4, "every connection: requests, trail, jobs, pulse"
        assert relay.plain == 0


async def test_a_server_that_is_another_is_not_spoken_to(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with relayed(dsn, tmp_path, "elsewhere.example") as relay:
        strange = made(tmp_path / "other", "localhost").authority
        for root in (strange, relay.certificates.authority):  # signed by another; signed as it should be, for another name
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncpg.connect(f"{relay.address}?sslmode=verify-full&sslrootcert={root}", timeout=5)
        assert relay.plain == 0, "nothing is tried in the clear after that"
