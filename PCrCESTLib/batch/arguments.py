"""The arguments of ``pcrcest quantify`` within a batch: checked before, and complete wherever they are used."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from PCrCESTLib.commands import quantify
from PCrCESTLib.commands.quantify_options import add_companions, add_settings, names
from PCrCESTLib.errors import PCrCESTError

MODEL_FILES = (".npz", ".json")


class _Parser(argparse.ArgumentParser):
    """A parser that does not end the program."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as an error of this library."""
        raise PCrCESTError(f"these are not arguments of pcrcest quantify: {message}")


def parse(arguments: Sequence[str], out: Path) -> argparse.Namespace:
    """Return the parsed arguments of a quiet ``quantify`` into ``out``.

    Raises
    ------
    PCrCESTError
        When they are not arguments of ``quantify``.
    """
    parser = _Parser(prog="pcrcest", exit_on_error=False)
    quantify.add_parser(parser.add_subparsers())
    wanted = ["quantify", *arguments, "--out", str(out), "--progress", "none"]
    try:
        args = parser.parse_args(wanted)
    except argparse.ArgumentError as error:  # exit_on_error covers only a part of what may be wrong
        parser.error(str(error))
    args.overwrite = False
    return args


def complete(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the same arguments with every path from the root, for processes that work in another folder.

    Raises
    ------
    PCrCESTError
        When they are not arguments of ``quantify``.
    """
    args = parse(arguments, Path())
    words = [str(path.absolute()) for path in args.series]
    for name in (*names(add_companions), *names(add_settings)):
        value = getattr(args, name)
        if name == "model" and model_file(value) is not None:
            value = Path(value)
        words += option(name, value.absolute() if isinstance(value, Path) else value)
    return tuple(words)


def option(name: str, value: object) -> list[str]:
    """Return the words of a parsed option: none, a flag alone, or name and value in one word.

    In one word, because a value may begin with a dash.
    """
    flag = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return []
    return [flag] if value is True else [f"{flag}={value}"]


def model_file(model: str) -> Path | None:
    """Return the file that ``--model`` names, None for the name of a bundled model."""
    path = Path(model)
    return path if path.suffix in MODEL_FILES else None
