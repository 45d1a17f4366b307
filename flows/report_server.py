"""Reports over HTTP on this machine, for links from the run page: a browser opens no file from there.

Serves ``report.html`` of releases and evaluations, and the page of a document; nothing else, and to this machine alone.
"""

from __future__ import annotations

import html
import re
import threading
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from curation import storage
from curation.releases.report.life import life
from curation.releases.report.page import SERVED

REPORTS_URL = "SYLLABUS_REPORTS_URL"
"""Where this serves; `syllabus serve` sets it for the runs that it starts."""
RECORDS = ("manifest.json", "evaluation.json")
NAMED = re.compile(r"^\d{8}T\d{6}(-[0-9a-f]{6}|\d{6})$")
HOSTS = re.compile(r"^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$")


def start(host: str, port: int) -> ThreadingHTTPServer:
    """Serve in a thread until ``shutdown``; port 0 takes a free one. Raises OSError where the port is taken."""
    server = ThreadingHTTPServer((host, port), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        asked = urllib.parse.parse_qs(parts.query)
        release = asked.get("release", [""])[0]
        # Another site's page must not read this machine's reports by a name that it points here.
        if not HOSTS.match(self.headers.get("Host", "")):
            self._say(HTTPStatus.FORBIDDEN, "Ask for this at 127.0.0.1.")
        elif parts.path not in ("/report", "/explain") or not _is_release(release):
            self._say(HTTPStatus.NOT_FOUND, "There is no such report.")
        elif parts.path == "/report":
            page = storage.read_bytes(storage.join(release, "report.html")).decode()
            self._send(HTTPStatus.OK, page.replace(SERVED, _form(release), 1))
        else:
            self._send(HTTPStatus.OK, life(release, asked.get("q", [""])[0].strip()))

    def _say(self, status: HTTPStatus, text: str) -> None:
        self._send(status, f"<!doctype html><title>{status.phrase}</title><p>{html.escape(text)}</p>")

    def _send(self, status: HTTPStatus, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests name documents."""


def _is_release(folder: str) -> bool:
    if not NAMED.match(storage.name(folder)):
        return False
    return storage.exists(storage.join(folder, "report.html")) and any(
        storage.exists(storage.join(folder, record)) for record in RECORDS
    )


def _form(release: str) -> str:
    return (
        '<form class="screen" action="/explain" method="get"><input type="hidden" name="release" '
        f'value="{html.escape(release)}"><input name="q" type="search" placeholder="The life of a document: its id, name or '
        'URL, then Enter" aria-label="id, name or URL"></form>'
    )
