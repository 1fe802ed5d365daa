"""
A real nginx with the configuration that is shipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.ports import free_port
from tests.support.processes import ROOT, ask
from tests.support.waiting import wait_for


SHIPPED: Final = ROOT / "deploy" / "nginx" / "evershelf.conf"
NGINX: Final = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
STOP_S: Final = 20.0
UPSTREAM: Final = re.compile(r"^upstream .*?^}$", re.MULTILINE | re.DOTALL)
SERVER: Final = re.compile(r"^    server ([\d.:]+) ", re.MULTILINE)

# What Debian's own file says around it, with every path in a folder of ours.
AROUND: Final = """\
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/evershelf.conf;
}}
"""


@contextmanager
def nginx(
    folder: Path,
    servers: Sequence[str],
    *,
    rate_per_s: int | None = None,
    upstream: str | None = None,
) -> Iterator[str]:
    """
    Yield the address of one before servers, each with its port; everything else but the
    rate limit and the upstream, if they are given, is as it is shipped.
    """
    folder.mkdir(parents=True)
    port = free_port()
    text = SHIPPED.read_text()
    if upstream is not None:
        text = UPSTREAM.sub(lambda _match: upstream, text)
    for shipped, ours in zip(SERVER.findall(text), servers, strict=True):
        text = replaced(text, f"server {shipped} ", f"server {ours} ")
    text = replaced(text, "listen 80;", f"listen 127.0.0.1:{port};")
    text = replaced(text, "/var/cache/nginx/evershelf", f"{folder}/cache")
    if rate_per_s is not None:
        text = re.sub(r"rate=\d+r/s", f"rate={rate_per_s}r/s", text)
    (folder / "evershelf.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""  # who may enter the tests' folder
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
    assert NGINX is not None
    process = subprocess.Popen(
        [NGINX, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: ask(f"{address}/").status == 404, what="nginx")
        yield address
    finally:
        process.terminate()
        process.wait(STOP_S)


def replaced(text: str, old: str, new: str) -> str:
    """
    Return *text* with the only *old* in it replaced.
    """
    assert text.count(old) == 1, old
    return text.replace(old, new)
