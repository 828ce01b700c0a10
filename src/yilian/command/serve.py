"""`yilian serve`: the web server, one process or several on one socket."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from yilian.command import house
from yilian.config import Settings

GRACE_S = 10
"""How long requests under way may take once the server is told to stop."""

Made = Callable[[Settings, str], Awaitable[None]]


class AddressTaken(OSError):
    """The server cannot listen where it was told to; the text says why."""


def serve(
    settings: Settings, *, purpose: str = "yilian serve", first: Made | None = None, ready: Callable[[str], None] | None = None
) -> int:
    """Run the server until it is told to stop (Ctrl-C or SIGTERM); then everything it started has stopped too.

    `first` is awaited once, when the tables are there and before anything is served; `ready` is called with the server's address when it
    answers.
    """
    log_to_stderr(settings)
    signal.signal(signal.SIGTERM, _leave)
    listener = listen(settings.host, settings.port)
    try:
        with house.address(settings, alone=True, purpose=purpose) as dsn:
            asyncio.run(_prepare(settings, dsn, first))
            url = _url(settings.host, listener.getsockname()[1])
            threading.Thread(target=_announce, args=(url, ready or _say), name="ready", daemon=True).start()
            _run(settings, dsn, listener)
    finally:
        listener.close()
    return 0


def application(settings: Settings, dsn: str) -> Any:
    """The ASGI application of one server process. Called in that process."""
    from yilian import app

    parent = multiprocessing.parent_process()
    if parent is not None:
        log_to_stderr(settings)
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="parent-watch", daemon=True).start()
    front = app.build(settings, dsn)
    # What is there now stays: garbage is looked for among what came later, and less often than for programs that make more of it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return front


def listen(host: str, port: int) -> socket.socket:
    """A bound socket that every server process shares. Raises AddressTaken."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except OSError as error:
        raise AddressTaken(
            f"Cannot listen on {host}, port {port}: {error.strerror or error}. Choose another with --port or --host."
        ) from error
    return listener


def log_to_stderr(settings: Settings) -> None:
    """One line an event, with time and zone, on standard error. Requests are not logged here: the audit trail has who read what."""
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    if settings.log_level != "debug":
        for chatty in ("uvicorn", "asyncio"):
            logging.getLogger(chatty).setLevel("WARNING")


async def _prepare(settings: Settings, dsn: str, first: Made | None) -> None:
    from yilian import app

    await app.prepare(settings, dsn)
    if first is not None:
        await first(settings, dsn)


def _run(settings: Settings, dsn: str, listener: socket.socket) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from yilian.command.steady import SteadyProtocol

    config = uvicorn.Config(
        partial(application, settings, dsn),
        factory=True,
        loop="uvloop",
        http=SteadyProtocol,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_ping_interval=30,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        workers=settings.workers,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=30,
    )
    if settings.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _announce(url: str, ready: Callable[[str], None]) -> None:
    """Wait until the server answers that it is ready, then say so."""
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    pause_s = 0.02
    while True:
        try:
            with straight.open(f"{url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    ready(url)
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.2, 1.0)


def _say(url: str) -> None:
    print(f"Yilian answers at {url}", flush=True)


def _leave(number: int, frame: object) -> None:
    """SIGTERM ends us as Ctrl-C does: what we started is stopped on the way out."""
    raise SystemExit(0)


def _end_with(sentinel: int) -> None:
    """End this server process when the one that started it is gone, even by `kill -9`."""
    multiprocessing.connection.wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
