"""The page as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.study.page import Contents, sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 72rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; border-bottom: 1px solid #ccc; margin-top: 2rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .86rem; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { border-bottom: 1px solid #ddd; padding: .22rem .55rem; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #888; } tbody th { font-weight: 500; }
img { max-width: 100%; height: auto; }
@media print { body { font-size: 10px; max-width: none; } h2 { break-after: avoid; } img, tr { break-inside: avoid; } }
@page { size: A4 landscape; margin: 12mm; }
"""


def render_page(contents: Contents) -> str:
    """Return the page; pictures are embedded."""
    body = [f"<h1>{escape(contents.title)}</h1>\n"]
    for number, (heading, html) in enumerate(sections(contents)):
        body.append(f"<section><h2>{escape(heading)}</h2>\n{html}</section>\n")
        if number == 2:
            body.append(_pictures(contents))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(contents.title)}</title><style>{_STYLE}</style></head>\n<body>\n{''.join(body)}</body></html>\n"
    )


def write_pdf(page: str, path: Path) -> None:
    """Print the page to PDF; `MissingExtraError` without weasyprint."""
    weasyprint = require_weasyprint()
    weasyprint.HTML(string=page).write_pdf(str(path))


def require_weasyprint() -> Any:
    """Return weasyprint, or say how to get it (`MissingExtraError`)."""
    try:
        import weasyprint
    except ImportError as error:
        raise MissingExtraError("weasyprint", "the page as PDF", "study") from error
    return weasyprint


def _pictures(contents: Contents) -> str:
    if not contents.figures:
        return ""
    images = "".join(
        f'<p><img alt="{escape(text)}" src="data:image/png;base64,{_png(figure)}"></p>\n'
        for text, figure in contents.figures
    )
    return f"<section><h2>Pictures</h2>\n{images}</section>\n"


def _png(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return base64.b64encode(stream.getvalue()).decode("ascii")
