"""An HTML page in one file: pictures embedded, nothing fetched, nothing run; readable on paper and aloud.

Every text that comes from outside passes `escape`: a region may be named ``<script>``.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_DPI = 150
SHORT_TABLE = 14  # rows that stay together on one printed page
_NUMBERS = re.compile(r"[<\d.,\s±+–−()\[\]-]+%?")

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #1a1a1a; background: #fff; max-width: 62rem;
  margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.55rem; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; border-bottom: 1px solid #bbb; margin: 1.9rem 0 .5rem; padding-bottom: .15rem; }
h3 { font-size: 1rem; margin: 1.1rem 0 .3rem; }
p, ul, dl { margin: .4rem 0 .7rem; }
.lead { color: #444; }
table { border-collapse: collapse; margin: .7rem 0 1rem; font-size: .86rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { border-bottom: 1px solid #ddd; padding: .24rem .6rem; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #777; }
tbody th { font-weight: 500; }
td { overflow-wrap: break-word; }
td.n { white-space: nowrap; }
figure { margin: .8rem 0 1.1rem; }
figcaption { font-size: .86rem; color: #333; }
img { max-width: 100%; height: auto; }
.notice { border-left: .3rem solid #b35900; background: #fff6ea; padding: .45rem .8rem; margin: .7rem 0; }
footer { border-top: 1px solid #bbb; margin-top: 2rem; padding-top: .4rem; font-size: .82rem; color: #444; }
@media print {
  body { font-size: 9pt; max-width: none; margin: 0; padding: 0; }
  h1 { font-size: 15pt; } h2 { font-size: 12pt; margin-top: 13pt; } h3 { font-size: 10pt; margin-top: 8pt; }
  table { font-size: 8pt; margin: 5pt 0 8pt; } th, td { padding: 1.6pt 5pt; } figcaption { font-size: 8pt; }
  h2, h3, caption { break-after: avoid; }
  figure, img, tr, .notice, .short { break-inside: avoid; }
  thead { display: table-header-group; }
  .new-page { break-before: page; }
  footer { display: none; }
}
"""
# Boxes in the margin of every printed page, which say what the footer of the screen does: W3C CSS Paged
# Media 3, margin boxes and page counters.
_PAPER = """
@page { size: A4 %(orientation)s; margin: 18mm 14mm 16mm;
  @top-left { content: "%(identity)s"; font: 8pt "DejaVu Sans", sans-serif; color: #444; }
  @bottom-left { content: "%(imprint)s"; font: 8pt "DejaVu Sans", sans-serif; color: #444; }
  @bottom-right { content: "page " counter(page) " of " counter(pages); font: 8pt "DejaVu Sans", sans-serif;
    color: #444; } }
@media print { img { max-height: %(tallest)s; } }
"""
# The page less its margins and a heading: what is taller would be cut off.
_TALLEST = {"portrait": "235mm", "landscape": "150mm"}


@dataclass(frozen=True)
class Section:
    """A part of the page: its heading (plain text) and its content (HTML made with the functions of this file)."""

    heading: str
    html: str
    new_page: bool = False


def page(
    title: str,
    sections: Sequence[Section],
    *,
    lead: str = "",
    identity: str = "",
    imprint: str = "",
    landscape: bool = False,
) -> str:
    """Return the whole page, HTML 5 in English.

    Parameters
    ----------
    title : str
        Headline, and title of the window.
    sections : sequence of Section
        In the order of the page.
    lead : str
        A sentence below the headline.
    identity, imprint : str
        Head and foot of every printed page.
    landscape : bool
        Print A4 across, for wide tables.
    """
    orientation = "landscape" if landscape else "portrait"
    paper = _PAPER % {
        "orientation": orientation,
        "tallest": _TALLEST[orientation],
        "identity": _css_text(identity or title),
        "imprint": _css_text(imprint),
    }
    parts = "".join(
        f'<section aria-labelledby="s{i}"{" class=new-page" if s.new_page else ""}>\n'
        f'<h2 id="s{i}">{escape(s.heading)}</h2>\n{s.html}</section>\n'
        for i, s in enumerate(sections)
    )
    below = f'<p class="lead">{escape(lead)}</p>\n' if lead else ""
    foot = f"<footer>{escape(imprint)}</footer>\n" if imprint else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Forbids the browser to fetch or run anything, should an escape ever be missing.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{paper}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{below}{parts}</main>\n{foot}</body>\n</html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """Return a table; its first column heads the rows, and texts are escaped."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(_cell(cell) for cell in row[1:]) + "</tr>\n"
        for row in rows
    )
    kind = ' class="short"' if len(rows) <= SHORT_TABLE else ""
    return (
        f"<table{kind}>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}</tbody>\n</table>\n"
    )


def _cell(text: str) -> str:
    """Return a cell; a line break must not part a number or a range."""
    kind = ' class="n"' if _NUMBERS.fullmatch(text) else ""
    return f"<td{kind}>{escape(text)}</td>"


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escape(text)}</p>\n"


def notice(text: str) -> str:
    """Return a paragraph that must not be overlooked."""
    return f'<p class="notice">{escape(text)}</p>\n'


def bullets(sentences: Sequence[str]) -> str:
    """Return a list of plain sentences."""
    return "<ul>\n" + "".join(f"<li>{escape(s)}</li>\n" for s in sentences) + "</ul>\n"


def subheading(text: str) -> str:
    """Return a heading below a section's."""
    return f"<h3>{escape(text)}</h3>\n"


def picture(content: Figure | bytes, alt: str, caption: str = "", *, width_inches: float | None = None) -> str:
    """Return a picture, embedded; ``alt`` tells its numbers to who cannot see it.

    Parameters
    ----------
    content : Figure or bytes
        A matplotlib figure, or a PNG file.
    alt : str
        What it shows, in words and numbers.
    caption : str
        The line below it.
    width_inches : float, optional
        How wide it is where there is room; by default as wide as its pixels are.
    """
    data = base64.b64encode(content if isinstance(content, bytes) else png(content)).decode("ascii")
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    # Not of the picture itself: its width and the largest height on paper would distort it.
    width = "" if width_inches is None else f' style="max-width: {width_inches:.2f}in"'
    return f'<figure{width}><img alt="{escape(alt)}" src="data:image/png;base64,{data}">{below}</figure>\n'


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=PICTURE_DPI, metadata={"Software": None})
    return stream.getvalue()


def _css_text(text: str) -> str:
    """Return the text as the inside of a CSS string: all but letters, digits and plain marks by their numbers."""
    plain = " ".join(text.split())
    return re.sub(r"[^A-Za-z0-9.,;:()_+-]", lambda m: f"\\{ord(m.group()):06x}", plain)
