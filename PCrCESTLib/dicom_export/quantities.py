"""What each exported map is: its names, unit and quantity in coded terms, and the window it is shown in.

Units are those of CID 7181 of PS3.16 (UCUM). It has no code for the fraction or exchange rate of phosphocreatine, nor
for the other quantities here, so those stand in a private scheme that every object names; a standard deviation is the
same quantity with the public derivation *Standard Deviation*.
"""

from __future__ import annotations

from dataclasses import dataclass

from PCrCESTLib.figures.content import DisplayRanges

SCHEME = "99PCRCEST"
SCHEME_NAME = "PCrCEST quantities"
FIRST_SERIES = 9001  # behind the numbers that scanners give
REGIONS_SERIES = FIRST_SERIES + 20
TABLE_SERIES = FIRST_SERIES + 21
REPORT_SERIES = FIRST_SERIES + 22

NO_UNITS = ("1", "UCUM", "no units")
PER_SECOND = ("/s", "UCUM", "/s")
PPM = ("ppm", "UCUM", "ppm")
MILLIMOLAR = ("mmol/L", "UCUM", "mmol/L")
MEANINGS = {
    "fs": "PCr proton fraction M0(PCr)/M0(water)",
    "ksw": "PCr exchange rate, solute to water",
    "PCr": "PCr concentration",
    "arex": "Relaxation rate added by PCr at 2.6 ppm (AREX)",
    "b0": "Water frequency from its nominal one",
    "misfit": "RMS of measured minus fitted Z over its noise SD",
}
UNITS = {
    "fs": NO_UNITS,
    "ksw": PER_SECOND,
    "PCr": MILLIMOLAR,
    "arex": PER_SECOND,
    "b0": PPM,
    "misfit": NO_UNITS,
}


@dataclass(frozen=True)
class MapQuantity:
    """How the map of one file is described.

    Attributes
    ----------
    name : str
        File of the result folder without its ending.
    quantity : str
        Key of ``MEANINGS`` and code in the private scheme.
    title : str
        SeriesDescription, what a PACS lists.
    window : tuple of float
        Values shown black and white: the fixed ranges of the figures, so that pictures can be compared.
    is_sd : bool
        Whether it is the standard deviation of the quantity.
    """

    name: str
    quantity: str
    title: str
    window: tuple[float, float]
    is_sd: bool = False

    @property
    def label(self) -> str:
        """Label in the letters that a DICOM code string has."""
        return f"PCR_{self.name.upper()}"

    @property
    def unit(self) -> tuple[str, str, str]:
        """Code of the unit."""
        return UNITS[self.quantity]

    @property
    def meaning(self) -> str:
        """One line that says what the values are."""
        return f"SD of {self.quantity}" if self.is_sd else MEANINGS[self.quantity]

    @property
    def series_number(self) -> int:
        """Number of its series in the study."""
        return FIRST_SERIES + MAPS.index(self)


def code(name: str) -> tuple[str, str, str]:
    """Code of a quantity in the private scheme."""
    return name, SCHEME, MEANINGS[name]


def _per_mille(limits: tuple[float, float]) -> tuple[float, float]:
    return limits[0] / 1000, limits[1] / 1000


_SHOWN = DisplayRanges()
MAPS = (
    MapQuantity("fs", "fs", "PCrCEST fs (PCr proton fraction)", _per_mille(_SHOWN.fs)),
    MapQuantity("fs_sd", "fs", "PCrCEST SD of fs", _per_mille(_SHOWN.fs_sd), is_sd=True),
    MapQuantity("ksw", "ksw", "PCrCEST ksw (PCr exchange rate, 1/s)", _SHOWN.ksw),
    MapQuantity("ksw_sd", "ksw", "PCrCEST SD of ksw, 1/s", _SHOWN.ksw_sd, is_sd=True),
    MapQuantity("arex", "arex", "PCrCEST AREX of PCr, 1/s", _SHOWN.arex),
    MapQuantity("arex_sd", "arex", "PCrCEST SD of AREX, 1/s", _SHOWN.arex_sd, is_sd=True),
    MapQuantity("misfit", "misfit", "PCrCEST misfit over noise", (0.0, 3.0)),
    MapQuantity("b0", "b0", "PCrCEST B0 shift, ppm", (-0.5, 0.5)),
)
