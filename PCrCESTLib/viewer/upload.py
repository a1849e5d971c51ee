"""Files that a browser sends: where they may go, and how much a session may send."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from io import BufferedWriter
from pathlib import Path

from PCrCESTLib.errors import ViewerError
from PCrCESTLib.viewer.limits import Limits

BATCH = re.compile(r"[A-Za-z0-9_-]{1,64}")
DEEPEST, LONGEST_NAME_BYTES = 12, 255
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
# Windows opens these whatever their ending and their folder.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(\..*)?", re.IGNORECASE)
BUFFER_BYTES = 1 << 20


class UploadError(ViewerError):
    """A file is not taken; ``status`` is the HTTP status that says so."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        """Say the ``sentence``."""
        super().__init__(sentence)
        self.status = status


class Uploads:
    """The uploads of one session, in ``FOLDER/BATCH/PATH``."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Take files into ``folder``; what is under way lies beside it."""
        self._folder = folder
        self._limits = limits
        self._bytes = self._files = 0

    async def take(self, batch: str, path: str, chunks: AsyncIterator[bytes], announced: int | None) -> int:
        """Write one file and return its size; it appears whole or not at all, and replaces an earlier one.

        Parameters
        ----------
        batch, path : str
            Folder of files that belong together, and the path below it, with ``/``.
        chunks : async iterator of bytes
            The content. An error of it is raised again.
        announced : int or None
            Size that the browser said, bytes: what is too large need not be sent first.

        Raises
        ------
        UploadError
            When the name or the amount is not allowed, or the file cannot be written.
        """
        target = self._folder / checked_batch(batch) / checked_path(path)
        if self._files >= self._limits.upload_files:
            raise UploadError(f"More than {self._limits.upload_files} files cannot be uploaded in a session.", 413)
        self._require_room(announced or 0)
        self._files += 1
        written = 0
        try:
            with self._partial() as (partial, stream):
                async for chunk in _large(chunks):
                    self._require_room(len(chunk))
                    self._bytes += len(chunk)
                    written += len(chunk)
                    await asyncio.to_thread(stream.write, chunk)
                stream.close()
                before = _replace(partial, target)
        except BaseException as error:
            self._bytes -= written
            self._files -= 1
            if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
                raise _cannot_write(path, error) from error
            raise
        if before is not None:
            self._bytes -= before
            self._files -= 1
        return written

    def _require_room(self, count: int) -> None:
        if self._bytes + count > self._limits.upload_bytes:
            raise UploadError(
                f"More than {self._limits.upload_bytes / 2**20:g} MiB cannot be uploaded in a session "
                "(--upload-mib); open the files by their path on the server instead.",
                413,
            )

    @contextlib.contextmanager
    def _partial(self) -> Iterator[tuple[Path, BufferedWriter]]:
        """Yield a file beside the uploads, of the same disk, that is gone in the end unless it was moved."""
        descriptor, name = tempfile.mkstemp(dir=self._folder.parent, prefix="partial-")
        stream = os.fdopen(descriptor, "wb")
        try:
            yield Path(name), stream
        finally:
            with contextlib.suppress(OSError):  # a full disk was told already
                stream.close()
            Path(name).unlink(missing_ok=True)


def checked_batch(batch: str) -> str:
    """Return the name of a batch; `UploadError` unless it is a plain one."""
    if not BATCH.fullmatch(batch):
        raise UploadError("The batch of an upload must be 1 to 64 letters, digits, '_' or '-'.")
    return batch


def checked_path(path: str) -> str:
    """Return a path that stays below the folder it is put in, on any system.

    Raises
    ------
    UploadError
        When it is absolute, climbs, is too deep or has a name that some system takes for something else.
    """
    names = path.split("/")
    if len(names) > DEEPEST:
        raise UploadError(f"The path of an upload may have {DEEPEST} parts at most; this one has {len(names)}.")
    for name in names:
        if fault := _fault(name):
            raise UploadError(f"{path!r} cannot be the path of an upload: {fault}. Rename it and try again.")
    return path


def _fault(name: str) -> str:
    """Say what is wrong with one part of a path; empty when nothing is."""
    if name in ("", ".", ".."):
        return f"it must be relative and have no part {name!r}"
    if FORBIDDEN.search(name):
        return "a part of it has a character that is not allowed in file names"
    if DEVICES.fullmatch(name):
        return f"{name!r} is the name of a device"
    if name[-1] in ". ":
        return "a part of it ends with a dot or a space"
    try:
        is_long = len(name.encode()) > LONGEST_NAME_BYTES
    except UnicodeEncodeError:
        return "a part of it is no text"
    return f"a part of it is longer than {LONGEST_NAME_BYTES} bytes" if is_long else ""


def _replace(partial: Path, target: Path) -> int | None:
    """Move a file to its place; return the size of one that lay there, None when there was none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.stat().st_size if target.is_file() else None
    partial.replace(target)
    return before


def _cannot_write(path: str, error: OSError) -> UploadError:
    if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
        return UploadError(f"{path!r} is a file and a folder in the same batch; rename one of them.")
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return UploadError(
        f"{path!r} cannot be stored on the server ({error.strerror}); "
        + ("free space there, or open it by its path." if full else "try again, or open it by its path."),
        507 if full else 500,
    )


async def _large(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join small chunks: every write costs a change of thread."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) >= BUFFER_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
