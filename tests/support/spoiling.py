"""
A server of the same machine as it is seen over a line that spoils what it says.
"""

from __future__ import annotations

import http.client
import threading

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final


PATIENCE_S: Final = 30.0

# Given the path and the body, returns what arrives of it.
Spoil = Callable[[str, bytes], bytes]


@contextmanager
def spoiling(port: int, spoil: Spoil) -> Iterator[str]:
    """
    Yield the address under which all bodies of the server on a port are spoilt; they
    are still announced with their own length.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, PATIENCE_S)
            connection.request("GET", self.path, headers=dict(self.headers))
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(spoil(self.path, body))

        def log_message(self, *_arguments: object) -> None:
            """
            Say nothing.
            """

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
