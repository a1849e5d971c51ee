"""The one family of errors that users see: what was found, what was expected, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class PCrCESTError(Exception):
    """Base of every error this library raises on purpose; its text is one sentence for the user."""


class ProtocolError(PCrCESTError):
    """The description of the acquisition is missing, inconsistent or physically senseless."""


class MissingKeysError(ProtocolError):
    """The description of the acquisition lacks keys of the protocol file."""

    def __init__(self, sentence: str, keys: Sequence[str]) -> None:
        """Say the ``sentence``; ``keys`` are the names."""
        super().__init__(sentence)
        self.keys = tuple(keys)


class NoReferenceError(ProtocolError):
    """None of the images is without saturation; M0 may lie elsewhere."""

    def __init__(self, sentence: str, document: Mapping[str, Any] | None = None, files: Sequence[str] = ()) -> None:
        """Say the ``sentence``; ``document`` has the keys of the protocol, ``files`` are where they come from."""
        super().__init__(sentence)
        self.document = dict(document or {})
        self.files = tuple(files)


class ReaderError(PCrCESTError):
    """A file cannot be read, or does not hold what its role demands."""


class GeometryError(PCrCESTError):
    """Two images do not lie in the same place, or an image has no usable geometry."""


class PhysicsError(PCrCESTError):
    """A tissue or saturation parameter has no physical meaning."""


class ModelMismatchError(PCrCESTError):
    """No bundled model fits the protocol, or a named model does not fit it."""


class MethodError(PCrCESTError):
    """The scan lacks what the chosen method needs."""


class OutputError(PCrCESTError):
    """The results cannot be written."""


class ClusterError(PCrCESTError):
    """The workers of a cluster cannot be reached, or cannot do what is asked."""


class ViewerError(PCrCESTError):
    """The browser viewer cannot start, or cannot do what a browser asks of it."""


class MissingExtraError(PCrCESTError):
    """An optional package is needed for what was asked."""

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        """Name the missing ``package``, what it is needed for, and the pip ``extra`` that brings it."""
        super().__init__(
            f"the Python package '{package}' is not installed and is needed for {purpose}; "
            f"install it with: pip install 'pcrcest[{extra}]'"
        )


class CancelledError(PCrCESTError):
    """The user asked the running job to stop."""
