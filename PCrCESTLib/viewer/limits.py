"""What the sessions of a viewer may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one viewer and of each of its sessions."""

    sessions: int = 4
    """Sessions at the same time."""
    memory_bytes: int = 8 << 30
    """Resident memory of a session's process and all that descend from it."""
    idle_s: float = 3600.0
    """Time without a request or a message in either direction after which a session ends."""
    upload_bytes: int = 4096 << 20
    """All uploads of a session together."""
    upload_files: int = 20_000
    """Files that a session may upload: a DICOM study has thousands."""
    start_s: float = 120.0
    """Time that a session may take until it answers."""
    stop_s: float = 3.0
    """Time that it is given to end by itself when it is told to."""
    check_s: float = 1.0
    """Time between two looks at memory and idleness."""
