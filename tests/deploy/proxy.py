"""nginx with the configuration of deploy/, on free ports of loopback, in front of a server that runs as a program."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.deploy.certificates import Certificates, made

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "yilian.conf"
NAME = "yilian.example"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/main-error.log;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
http {{
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/yilian.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """port, plain: where it listens with and without TLS. folder: its logs."""

    port: int
    plain: int
    folder: Path
    certificates: Certificates

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificates.authority)

    def client(self, *, at: str = "127.0.0.1", token: str = "") -> httpx.AsyncClient:
        """A caller with the address `at` who trusts the authority of the test and asks for the proxy by name."""
        transport = httpx.AsyncHTTPTransport(verify=self.tls(), local_address=at)
        headers = {"host": NAME} | ({"authorization": f"Bearer {token}"} if token else {})

        async def named(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = NAME

        hooks = {"request": [named]}
        address = f"https://127.0.0.1:{self.port}"
        return httpx.AsyncClient(transport=transport, base_url=address, headers=headers, event_hooks=hooks, timeout=30)

    def logged(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        found: int = one.getsockname()[1]
        return found


@asynccontextmanager
async def proxied(folder: Path, server: str, **instead: str) -> AsyncIterator[Proxy]:
    """`server`: "127.0.0.1:8080". `instead`: other values of directives ("client_header_timeout"). Skips the test where nginx is not."""
    if NGINX is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    port, plain = free_port(), free_port()
    certificates = made(folder, NAME)
    text = CONFIGURATION.read_text()
    changes = {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "server 127.0.0.1:8080;": f"server {server};",
        "/etc/nginx/tls/yilian.crt": str(certificates.certificate),
        "/etc/nginx/tls/yilian.key": str(certificates.key),
        "/var/log/nginx/": f"{folder}/",
        "/var/lib/nginx/body": f"{folder}/body",
    }
    for said, here in changes.items():
        assert said in text, said
        text = text.replace(said, here)
    lines = text.splitlines()
    for name, value in instead.items():
        places = [number for number, line in enumerate(lines) if line.strip().startswith(f"{name} ")]
        assert places, name
        for number in places:
            lines[number] = f"{name} {value};"
    (folder / "yilian.conf").write_text("\n".join(lines))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    look = [NGINX, "-t", "-c", str(folder / "nginx.conf"), "-e", str(folder / "main-error.log")]
    tested = await asyncio.to_thread(subprocess.run, look, capture_output=True)
    assert tested.returncode == 0, tested.stderr.decode()
    assert b"warn" not in tested.stderr, tested.stderr.decode()
    process = await asyncio.create_subprocess_exec(NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "main-error.log"))
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield Proxy(port, plain, folder, certificates)
    finally:
        process.terminate()
        await process.wait()
