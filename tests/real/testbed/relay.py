"""Stands between an older LND and this bitcoind, and adds the one line that such an LND looks for.

Bitcoin Core 31 no longer lists taproot as a deployment; LND before 0.21 then takes it for a node without
taproot and ends. Everything else passes unchanged.
"""

import http.client
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

METHOD = b"getdeploymentinfo"
TAPROOT = {"type": "buried", "active": True, "height": 0}


def _with_taproot(body: bytes) -> bytes:
    answer = json.loads(body)
    if isinstance(answer, dict) and isinstance(answer.get("result"), dict):
        answer["result"]["deployments"]["taproot"] = TAPROOT
    return json.dumps(answer).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Relay"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        try:
            status, answer = self._forward(body, headers)
        except OSError:  # as if bitcoind itself had cut the connection
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _forward(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.to_port, timeout=30)
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        return response.status, _with_taproot(answer) if METHOD in body else answer

    def log_message(self, *_: object) -> None:
        """Say nothing: bitcoind and LND log themselves."""


class Relay(ThreadingHTTPServer):
    """Listens on `from_port` of 127.0.0.1 and passes on to `to_port`."""

    daemon_threads = True

    def __init__(self, from_port: int, to_port: int) -> None:
        super().__init__(("127.0.0.1", from_port), _Handler)
        self.to_port = to_port
        self._thread = Thread(target=self.serve_forever, name="relay", daemon=True)

    def start(self) -> None:
        """Serve in the background from now on; bitcoind may come and go meanwhile."""
        if not self._thread.is_alive():
            self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self._thread.join()
        self.server_close()
