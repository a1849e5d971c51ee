"""Part *Scan*: from a file on the server or an upload to a series with its protocol and maps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import PCrCESTError, ProtocolError, ReaderError
from PCrCESTLib.models.registry import why_model
from PCrCESTLib.protocol_text import as_text, as_value, check_document, keys_of, title_of
from PCrCESTLib.protocols import joined_protocol
from PCrCESTLib.readers.scan_facts import ScanFacts
from PCrCESTLib.readers.study import list_study
from PCrCESTLib.scene.choice import ScanChoice
from PCrCESTLib.scene.loading import load_scan, load_simulated_leg, partial_protocol
from PCrCESTLib.scene.series_nodes import document_of, frames_of_node, set_protocol
from PCrCESTLib.viewer.uploads import scans_in, unwrapped

if TYPE_CHECKING:
    from PCrCESTLib.viewer.application import Application

COMPANIONS = {"anatomy": "anatomy", "b1": "B1", "b0": "B0", "fm": "fm", "muscles": "muscles"}


class Scan:
    """Loads scans and shows what they are; a scan whose protocol is not known asks for it in the page."""

    def __init__(self, app: Application) -> None:
        """Begin without a scan."""
        self.app, self.state = app, app.state
        self._study: list[ScanFacts] = []
        self._asked: tuple[Path | Any, dict[str, Any], int | None] | None = None  # whose protocol is typed
        self.state.update(
            {
                "scan_path": "",
                "scan_hint": "",
                "scan_facts": [],
                "scan_model": "",
                "study_scans": [],
                "browse_open": False,
                "browse_folder": "",
                "browse_above": "",
                "browse_entries": [],
                "protocol_open": False,
                "protocol_title": "",
                "protocol_rows": [],
                "protocol_message": "",
            }
        )
        failed = "The scan cannot be loaded"
        handlers: dict[str, Callable[..., None]] = {
            "open_path": lambda path: app.later(self.open(path), failed),
            "uploaded": lambda batch: app.later(self.open_upload(batch), failed),
            "sample": lambda: app.later(self.open_sample(), "The simulated leg cannot be made"),
            "browse": self.browse,
            "new_subject": self.new_subject,
            "edit_protocol": self.edit_protocol,
            "protocol_typed": self.protocol_typed,
            "protocol_take": lambda: app.later(self.take_protocol(), failed),
        }
        for name, handler in handlers.items():
            app.trigger(name, handler)

    async def open(self, path: str, protocol: Any | None = None) -> None:
        """Load a series, or list the scans of a study.

        Raises
        ------
        PCrCESTError
            When the path is outside the open folders, or is no scan.
        """
        real = self.app.access.allowed(path)
        self.state.browse_open = False
        await self._open(real, protocol)

    async def open_upload(self, batch: str) -> None:
        """Load what was uploaded together: a study, or one or several powers with their maps."""
        folder = self.app.access.allowed(self.app.access.uploads / batch)
        if not folder.is_relative_to(self.app.access.uploads):
            raise ReaderError(f"{batch}: no upload of this session; choose the files again")
        await self._open(unwrapped(folder))

    async def _open(self, path: Path, protocol: Any | None = None) -> None:
        with self.app.busy("reading"):
            self.state.flush()
            paths = [path]
            if path.is_dir() and path not in [scan.give for scan in self._study]:
                self._list(await asyncio.to_thread(list_study, path))
                if self._study:
                    return
                paths = await asyncio.to_thread(scans_in, path)
            await asyncio.sleep(0)  # the page shows that it is busy
            for found in paths:
                self._load(self.app.access.allowed(found), protocol)

    def _list(self, scans: list[ScanFacts]) -> None:
        self._study = sorted(scans, key=lambda scan: scan.kind != "CEST")
        self.state.study_scans = [
            {"title": f"{s.number}  {s.kind}  {s.name}" + _size(s), "value": str(s.give)} for s in self._study
        ]

    def _load(self, path: Path, protocol: Any | None) -> None:
        """Load one series; without a usable protocol, ask for it."""
        try:
            nodes = load_scan(path, protocol)
        except ProtocolError as error:
            if protocol is not None:
                raise
            self._ask(path, partial_protocol(path), None, path.name)
            self.state.protocol_message = f"{self.app.access.plain(str(error))}. Or type it here."
            return
        self.take(nodes)

    async def open_sample(self) -> None:
        """Simulate a leg and load it."""
        with self.app.busy("simulating a leg"):
            self.state.flush()
            await asyncio.sleep(0)
            for nodes in load_simulated_leg(self.app.folder):
                self.take(nodes)

    def take(self, nodes: dict[str, Any]) -> None:
        """Choose a loaded series and its companions, and show its images."""
        before = self.app.choice
        self.app.choice = before.joined(nodes)
        if self.app.choice.series[0] is not (before.series or (None,))[0]:
            self.app.results.leave()
        self.app.refresh()
        self.app.drawing.show_scan()

    def new_subject(self) -> None:
        """Choose nothing; what is computed stays in the list of results."""
        self.app.choice = ScanChoice()
        self._list([])
        self.app.refresh()
        self.app.drawing.show_scan()

    def browse(self, folder: str | None = None) -> None:
        """List a folder of the server in the page."""
        with self.app.guarded("The folder cannot be shown"):
            access = self.app.access
            entries = access.listing(folder or None)
            above = None if not folder else access.above(access.allowed(folder))
            self.state.update(
                {
                    "browse_open": True,
                    "browse_folder": folder or "",
                    "browse_above": "" if above is None else str(above),
                    "browse_entries": [
                        {"name": e.name, "path": e.path, "folder": e.is_folder} for e in entries
                    ],
                }
            )

    def edit_protocol(self, index: int) -> None:
        """Show the protocol of a chosen series, to be corrected."""
        node = self.app.choice.series[int(index)]
        self._ask(node, document_of(node), frames_of_node(node), node.GetName())
        self._check()

    def _ask(self, target: Path | Any, document: dict[str, Any], n_frames: int | None, title: str) -> None:
        self._asked = (target, dict(document), n_frames)
        rows = [{"key": k, "title": title_of(k), "text": as_text(document.get(k))} for k in keys_of(document)]
        self.state.update({"protocol_open": True, "protocol_title": title, "protocol_rows": rows})

    def protocol_typed(self, key: str, text: str) -> None:
        """Take what was typed for a key, and say whether the protocol is complete."""
        if self._asked is None:
            return
        value = as_value(key, text)
        document = self._asked[1]
        if value is None:
            document.pop(key, None)
        else:
            document[key] = value
        self._check()

    def _check(self) -> None:
        if self._asked is not None:
            _target, document, n_frames = self._asked
            try:
                self.state.protocol_message = check_document(document, n_frames).describe()
            except PCrCESTError as error:
                self.state.protocol_message = str(error)

    async def take_protocol(self) -> None:
        """Use the typed protocol: load the scan that waited for it, or correct the loaded one."""
        if self._asked is None:
            return
        target, document, n_frames = self._asked
        protocol = check_document(document, n_frames)
        if isinstance(target, Path):
            await self._open(target, protocol)
        else:
            set_protocol(target, document)
        self._asked = None
        self.state.protocol_open = False
        self.app.refresh()

    def missing(self) -> str:
        """Say what the scan still lacks, or nothing."""
        if not self.app.choice.series:
            return "Open a CEST series: from the server, by upload, or the simulated leg."
        try:
            joined_protocol(self.app.choice.protocols())
        except PCrCESTError as error:
            return str(error)
        return ""

    def update(self) -> None:
        """Show what is chosen."""
        choice = self.app.choice
        facts = [
            {"title": node.GetName(), "text": _described(node), "series": i} for i, node in enumerate(choice.series)
        ]
        named = {"R1" if choice.relaxation_kind == "r1" else "T1": choice.relaxation}
        named |= {title: getattr(choice, field) for field, title in COMPANIONS.items()}
        facts += [
            {"title": title, "text": node.GetName(), "series": -1}
            for title, node in named.items()
            if node is not None
        ]
        missing = self.missing()
        self.state.update({"scan_facts": facts, "scan_hint": missing, "scan_model": ""})
        if not missing:
            self.state.scan_model = why_model(joined_protocol(choice.protocols()))


def _size(scan: ScanFacts) -> str:
    size = "" if scan.size is None else f", {' × '.join(map(str, scan.size))}"
    return size + ("" if scan.n_frames is None else f", {scan.n_frames} frames")


def _described(node: Any) -> str:
    try:
        return check_document(document_of(node), frames_of_node(node)).describe()
    except PCrCESTError as error:
        return str(error)
