"""A page of `page.py` as PDF, tagged for screen readers (PDF/UA-1)."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

from PCrCESTLib.errors import MissingExtraError, OutputError

EXTRA = "report"


def pdf_of(html: str, extra: str = EXTRA) -> bytes:
    """Print a page to PDF; nothing is fetched from the network or from this computer.

    Parameters
    ----------
    html : str
        A page whose pictures are embedded.
    extra : str
        The pip extra that brings weasyprint.

    Raises
    ------
    MissingExtraError
        When weasyprint is not installed.
    OutputError
        When weasyprint finds no Pango on this computer.
    """
    weasyprint = require_weasyprint(extra)
    from weasyprint.urls import URLFetcher

    with warnings.catch_warnings():
        # Of its own dependencies; no affair of the reader's.
        warnings.simplefilter("ignore")
        document = weasyprint.HTML(string=html, url_fetcher=URLFetcher(allowed_protocols={"data"}))
        return bytes(document.write_pdf(pdf_variant="pdf/ua-1"))


def require_weasyprint(extra: str = EXTRA) -> Any:
    """Return weasyprint.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    OutputError
        When it finds no Pango on this computer.
    """
    try:
        # It prints a page of advice of its own where a library is missing.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import weasyprint
    except ImportError as error:
        raise MissingExtraError("weasyprint", "the PDF", extra) from error
    except OSError as error:
        raise OutputError(
            "the PDF cannot be made: weasyprint does not find the library Pango; install it (Debian and Ubuntu: apt "
            "install libpango-1.0-0 libpangoft2-1.0-0), or print the HTML page to PDF in a browser"
        ) from error
    return weasyprint
