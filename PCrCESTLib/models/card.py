"""The model card: what a model was trained for, how, and how well it does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import protocol_from_dict, protocol_to_dict

FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """Everything a user must know to trust or refuse a model.

    Parameters
    ----------
    name : str
        Such as ``rat-4.7T-dual``.
    protocol : Protocol
        What it was trained for (saturated frames, ascending powers).
    fs_range, ksw_range : tuple of float
        Range of the training truth; ``ksw`` in s⁻¹.
    prior_log_sd : tuple of float
        SD of log fs and log ksw over the usual ranges of muscle: what is known before looking at the scan.
    training : dict
        Command, seed, number of spectra, families, backgrounds, seconds, versions.
    measured_errors : list of dict
        On spectra never trained on: noise SD, relative RMSE and bias of fs and ksw, coverage of the 90 % interval.
    over_bound : list of dict
        On the reference muscle: noise SD, RMSE of fs and ksw relative to their means, and those over the Bayesian
        Cramér–Rao bound.
    thresholds : dict
        Limits of the spectral distances beyond which a spectrum is unlike the training spectra.
    weights_sha256 : str
        Checksum of the weight file beside the card.
    """

    name: str
    protocol: Protocol
    fs_range: tuple[float, float]
    ksw_range: tuple[float, float]
    prior_log_sd: tuple[float, float]
    training: dict[str, Any]
    measured_errors: list[dict[str, float]] = field(default_factory=list)
    over_bound: list[dict[str, float]] = field(default_factory=list)
    thresholds: dict[str, float] = field(default_factory=dict)
    weights_sha256: str = ""

    def to_json(self) -> str:
        """Text of the card file."""
        document = asdict(self) | {"protocol": protocol_to_dict(self.protocol), "format": FORMAT}
        return json.dumps(document, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: Path) -> ModelCard:
        """Read a card.

        Raises
        ------
        ReaderError
            When the text is not a card this version understands.
        """
        try:
            document = json.loads(text)
            if document.pop("format") != FORMAT:
                raise ReaderError(f"{origin}: this model was written by a newer version; update PCrCEST")
            document["protocol"] = protocol_from_dict(document["protocol"])
            for key in ("fs_range", "ksw_range", "prior_log_sd"):
                low, high = document[key]
                document[key] = (float(low), float(high))
            return cls(**document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReaderError(f"{origin}: not a model card of this program ({error})") from error


def sha256(path: Path) -> str:
    """Checksum of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
