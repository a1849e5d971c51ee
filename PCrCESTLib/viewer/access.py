"""Which files a browser session may read: those in the folders opened for it, and what was uploaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.folder import natural_key

MOST_ENTRIES = 2000


@dataclass(frozen=True)
class Entry:
    """One line of a folder's listing."""

    name: str
    path: str
    is_folder: bool


@dataclass(frozen=True)
class Access:
    """Folders that may be read, with everything below them.

    ``roots`` are what the one who started the server opened; ``uploads`` is the session's own folder.
    """

    roots: tuple[Path, ...]
    uploads: Path

    @staticmethod
    def to(roots: Sequence[Path], uploads: Path) -> Access:
        """Open folders; links in their own paths are followed now, once."""
        return Access(tuple(dict.fromkeys(root.resolve() for root in roots)), uploads.resolve())

    def allowed(self, path: Path | str) -> Path:
        """Return the real path of a file or folder that may be read.

        Raises
        ------
        ReaderError
            When it lies elsewhere (also by ``..`` or a link) or does not exist; both in the same words, so that
            nothing is told of the files outside.
        """
        try:
            real = Path(path).resolve()
            if any(real.is_relative_to(root) for root in (*self.roots, self.uploads)) and real.exists():
                return real
        except (OSError, ValueError, RuntimeError):
            pass  # no path at all, or a ring of links
        opened = ", ".join(map(str, self.roots)) or "none on the server; upload the scan"
        raise ReaderError(f"{path}: not in the opened folders ({opened}); choose a file there, or upload it")

    def plain(self, text: str) -> str:
        """Return a sentence with uploaded files called by the names that the browser gave them."""
        return re.sub(re.escape(str(self.uploads)) + r"[/\\][\w-]+[/\\]", "", text)

    def above(self, folder: Path) -> Path | None:
        """Return the folder above one, None at the top of what is open."""
        inside = any(folder.parent.is_relative_to(root) for root in (*self.roots, self.uploads))
        return folder.parent if inside and folder != self.uploads else None

    def listing(self, folder: Path | str | None) -> list[Entry]:
        """Contents of a folder, folders first, without hidden names; the opened folders themselves for None.

        Raises
        ------
        ReaderError
            When it is not open, or cannot be read.
        """
        if folder is None:
            return [Entry(str(root), str(root), True) for root in self.roots]
        real = self.allowed(folder)
        try:
            found = [p for p in real.iterdir() if not p.name.startswith(".")]
        except OSError as error:
            raise ReaderError(f"{real}: cannot be listed ({error.strerror}); choose another folder") from error
        found.sort(key=lambda p: (not p.is_dir(), natural_key(p.name)))
        return [Entry(p.name, str(p), p.is_dir()) for p in found[:MOST_ENTRIES]]
