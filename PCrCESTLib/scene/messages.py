"""What there is to know of a result, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def messages(record: Mapping[str, Any]) -> str:
    """Return what the user should know of a result, one sentence a line.

    Parameters
    ----------
    record : mapping
        Content of its ``quantify.json``: which model and why, where it was computed, and every warning.
    """
    lines = []
    model = record.get("model") or {}
    if model.get("reason"):
        lines.append(f"Model: {model['reason']}.")
    device = record.get("device") or {}
    if device.get("used"):
        lines.append(f"Computed on {device['used']} ({device.get('reason', '')}).")
    # Panels draw for themselves; that the job made no picture is no news there.
    told = [warning for warning in record.get("warnings", []) if not warning.startswith("no picture:")]
    return "\n".join([*lines, *("• " + warning for warning in told)])
