"""Results appear whole or not at all, and earlier ones are never lost silently."""

from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PCrCESTLib.errors import OutputError


@contextmanager
def staged(folder: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder beside ``folder`` to write into; move its content into place when all went well.

    After an error or a cancellation nothing of it remains. Files that are already in ``folder`` under other names
    stay; under the same names they stop the job before it starts, unless ``overwrite`` is set, and then they are
    replaced together or not at all.

    Raises
    ------
    OutputError
        When the folder cannot be written, the disk is full, or a file of that name exists.
    """
    partial = folder.parent / f".{folder.name}.partial-{uuid.uuid4().hex[:8]}"
    with _staging(partial, folder, overwrite):
        _require_free(folder, overwrite)
        partial.mkdir(parents=True)
        yield partial


@contextmanager
def staged_files(files: Sequence[Path], *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder to write some files of one folder into; move them into place together when all went well.

    After an error or a cancellation nothing of them remains. Files of these names stop the job before it starts, unless
    ``overwrite`` is set, and then they are replaced together or not at all; one that is not written anew is removed.

    Raises
    ------
    OutputError
        When the folder cannot be written, the disk is full, or a file of that name exists.
    """
    folder = files[0].parent
    # Within the folder: the one above it may be read-only.
    partial = folder / f".{files[0].name}.partial-{uuid.uuid4().hex[:8]}"
    with _staging(partial, folder, overwrite):
        for file in files:
            _require_new(file, overwrite)
        partial.mkdir(parents=True)
        yield partial
        stale = [file for file in files if file.exists() and not (partial / file.name).exists()]
    for file in stale:
        file.unlink()


@contextmanager
def _staging(partial: Path, folder: Path, overwrite: bool) -> Iterator[None]:
    """Move what was written into ``partial`` to ``folder`` at the end, or leave no trace of it."""
    created = _first_missing(folder)
    done = False
    try:
        yield
        _move_in(partial, folder, overwrite)
        done = True
    except OSError as error:
        raise OutputError(_sentence(folder, error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not done and created is not None:
            _remove_empty(created)


def _require_new(file: Path, overwrite: bool) -> None:
    if file.is_dir():
        raise OutputError(f"{file}: this is a folder; give the name of a file")
    if file.exists() and not overwrite:
        raise OutputError(
            f"{file}: this file already exists; give another name, or --overwrite to replace it"
        )


def _first_missing(folder: Path) -> Path | None:
    """Topmost folder that has to be made for ``folder`` to exist."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    return missing[-1] if missing else None


def _require_free(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: this is a file; give a folder for the results")
    if not overwrite and (folder / "quantify.json").exists():
        raise OutputError(
            f"{folder}: it already holds the results of an earlier run; give another folder, or --overwrite to "
            "replace them"
        )


def _move_in(partial: Path, folder: Path, overwrite: bool) -> None:
    if not folder.exists():
        partial.rename(folder)
        return
    names = sorted(p.name for p in partial.iterdir())
    taken = [name for name in names if (folder / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{folder}: {taken[0]} already exists there; give another folder, or --overwrite to replace it"
        )
    backup = partial.with_name(partial.name.replace("partial", "previous"))
    backup.mkdir()
    moved: list[str] = []
    try:
        for name in taken:
            (folder / name).rename(backup / name)
        for name in names:
            (partial / name).rename(folder / name)
            moved.append(name)
    except OSError:
        for name in moved:
            (folder / name).rename(partial / name)
        for path in backup.iterdir():
            path.rename(folder / path.name)
        raise
    finally:
        if not any(backup.iterdir()) or len(moved) == len(names):
            shutil.rmtree(backup, ignore_errors=True)


def _remove_empty(folder: Path) -> None:
    """Remove a tree of folders if no file is in it."""
    if folder.is_dir() and not any(p.is_file() for p in folder.rglob("*")):
        shutil.rmtree(folder, ignore_errors=True)


def _sentence(folder: Path, error: OSError) -> str:
    reasons = {
        errno.ENOSPC: "the disk is full; free some space or give a folder on another disk",
        errno.EDQUOT: "the disk quota is used up; free some space or give a folder on another disk",
        errno.EFBIG: "a file would be larger than allowed; raise the limit or give a folder on another disk",
        errno.EACCES: "no permission to write there; give a folder of your own",
        errno.EPERM: "no permission to write there; give a folder of your own",
        errno.EROFS: "the disk is read-only; give a folder on another disk",
        errno.ENOTDIR: "a part of this path is a file; give a folder",
    }
    reason = reasons.get(error.errno or 0, f"{error.strerror or error}; give another folder")
    return f"{folder}: the results cannot be written: {reason}"
