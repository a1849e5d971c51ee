"""The few pages that the front shows itself: without scripts, readable in the dark, and one clear sentence each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
ASK_AGAIN = '<meta http-equiv="refresh" content="1">'
BEGIN_AGAIN = (
    "To begin a new session, open the address that <code>pcrcest view</code> printed. "
    "Results that were not exported are gone with the session."
)
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} – PCrCEST</title>{head}
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 15vh auto 0; padding: 0 1rem; }}
h1 {{ font-size: 1.3rem; }}
pre {{ font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; padding: .7rem; border: 1px solid #8888; }}
</style></head>
<body><main role="{role}"><h1>{title}</h1><p>{sentence}</p>{more}</main></body></html>
"""


def page(status: int, title: str, sentence: str) -> web.Response:
    """Return a page with a sentence, which is plain text."""
    return _page(status, title, escape(sentence))


def waiting() -> web.Response:
    """Return the page that stands while a session starts; it asks again every second."""
    return _page(200, "Starting", "Your session starts; this takes a few seconds.", ASK_AGAIN, role="status")


def unanswered() -> web.Response:
    """Return the page of a session that does not answer: it may be ending, so the page asks again every second."""
    return _page(502, "No answer", "The session does not answer; this page asks it again.", ASK_AGAIN)


def ended(reason: str, last_lines: str) -> web.Response:
    """Return the page of a session that has ended, with the last lines that it printed where it did not end well."""
    more = f"<p>{BEGIN_AGAIN}</p>"
    if last_lines:
        more += f"<p>The last that it printed:</p><pre>{escape(last_lines)}</pre>"
    return _page(410, "This session has ended", escape(reason), more=more)


def _page(
    status: int, title: str, sentence: str, head: str = "", more: str = "", role: str = "alert"
) -> web.Response:
    from aiohttp import web

    text = PAGE.format(title=escape(title), sentence=sentence, head=head, more=more, role=role)
    headers = {"Content-Security-Policy": POLICY}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
