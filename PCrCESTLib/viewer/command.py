"""``pcrcest view``: the tool in a browser."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import ipaddress
import math
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import MissingExtraError, ViewerError
from PCrCESTLib.viewer import processes
from PCrCESTLib.viewer.folder import private_folder
from PCrCESTLib.viewer.front import Front
from PCrCESTLib.viewer.limits import Limits

EXTRA = "viewer"
PACKAGES = ("aiohttp", "trame_slicer")
DEFAULT_HOST, DEFAULT_PORT, TRIED_PORTS = "127.0.0.1", 8765, 20
DEFAULTS = Limits()
GIB, MIB = 1 << 30, 1 << 20


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``view`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "view",
        help="open the tool in a browser",
        description="Open the tool in a browser: load a scan, draw muscles, quantify, look at maps and export, where "
        "3D Slicer is not installed. Every browser that opens the printed address has a session of its own. Ctrl-C "
        "ends all of them.",
    )
    add = parser.add_argument
    add("scan", type=Path, nargs="?", metavar="SCAN", help="scan to load: any file or folder that quantify takes")
    add(
        "--root",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder whose files can be opened from the browser, beside that of SCAN; may be repeated",
    )
    add("--host", default=DEFAULT_HOST, help="address to listen on (default: %(default)s, this computer only)")
    add(
        "--port",
        type=_number(int, 0, 65535),
        metavar="N",
        help=f"port to listen on; 0 takes any free one (default: {DEFAULT_PORT}, or the next free one)",
    )
    add(
        "--sessions",
        type=_number(int, 1),
        default=DEFAULTS.sessions,
        metavar="N",
        help="sessions at the same time (default: %(default)s)",
    )
    add(
        "--memory-gib",
        type=_number(float, 0.1),
        default=DEFAULTS.memory_bytes / GIB,
        metavar="G",
        help="memory of a session and its jobs, beyond which it is ended; on Linux only (default: %(default)g)",
    )
    add(
        "--idle-minutes",
        type=_number(float, 0.1),
        default=DEFAULTS.idle_s / 60,
        metavar="M",
        help="time after which a session that nobody uses is ended (default: %(default)g)",
    )
    add(
        "--upload-mib",
        type=_number(int, 1),
        default=DEFAULTS.upload_bytes // MIB,
        metavar="N",
        help="what a session may upload in all (default: %(default)s)",
    )
    add("--no-browser", action="store_true", help="only print the address")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; returns the exit code.

    Raises
    ------
    PCrCESTError
        When a path does not exist, the port is taken or a package is missing.
    """
    command = session_command(args.scan, args.root)
    require_packages()
    limits = replace(
        DEFAULTS,
        sessions=args.sessions,
        memory_bytes=round(args.memory_gib * GIB),
        idle_s=60 * args.idle_minutes,
        upload_bytes=args.upload_mib * MIB,
    )
    with listen(args.host, args.port) as listening, private_folder() as folder:
        asyncio.run(_serve(command, folder, limits, listening, not args.no_browser))
    return 0


def require_packages() -> None:
    """Raise `MissingExtraError` when the viewer cannot run."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package.replace("_", "-"), "the viewer", EXTRA)


def session_command(scan: Path | None, roots: Sequence[Path]) -> list[str]:
    """Command of the process of a session.

    Raises
    ------
    ViewerError
        When the scan does not exist, or a root is no folder.
    """
    if scan is not None and not scan.exists():
        raise ViewerError(f"{scan}: there is no such file or folder; give the path of a scan, or none")
    for root in roots:
        if not root.is_dir():
            raise ViewerError(f"{root}: --root needs a folder that exists")
    command = [sys.executable, "-m", "PCrCESTLib.viewer.session"]
    if scan is not None:
        scan = scan.resolve()
        roots = [scan if scan.is_dir() else scan.parent, *roots]
        command.append(f"--scan={scan}")
    return [*command, *(f"--root={root}" for root in dict.fromkeys(r.resolve() for r in roots))]


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens; without a port, on the default one or the next that is free.

    Raises
    ------
    ViewerError
        When the host is not this computer's, or the port is taken.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + TRIED_PORTS) if port is None else range(port, port + 1)
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, 0), family=family).close()
    except OSError as error:
        raise ViewerError(
            f"{host} is no address of this computer; leave --host out to listen on {DEFAULT_HOST}"
        ) from error
    for candidate in ports:
        with contextlib.suppress(OSError):
            return socket.create_server((host, candidate), family=family)
    told = f"port {ports[0]} is" if len(ports) == 1 else f"ports {ports[0]} to {ports[-1]} are"
    raise ViewerError(
        f"{told} taken or not allowed on {host}; give another one with --port, or --port 0 for any that is free"
    )


def address(listening: socket.socket, token: str) -> str:
    """Return the address that a browser opens."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={token}"


async def _serve(
    command: Sequence[str], folder: Path, limits: Limits, listening: socket.socket, browse: bool
) -> None:
    front = Front(command, folder, limits)
    stop = asyncio.Event()
    with _signals_set(stop.set):
        serving = asyncio.create_task(front.serve(listening, stop))
        sys.stdout.write(f"PCrCEST is at {address(listening, front.token)} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        for note in _notes(listening):
            sys.stderr.write(f"note: {note}\n")
        if browse and _has_display():
            # Others on this computer see the command line of a browser that starts.
            await asyncio.to_thread(webbrowser.open, address(listening, front.one_time_token()))
        await serving


def _notes(listening: socket.socket) -> Iterator[str]:
    host, port = listening.getsockname()[:2]
    if not ipaddress.ip_address(host).is_loopback:
        yield (
            f"others can listen to what goes over the network to {host}, for it is not encrypted: better leave --host "
            f"out and use an SSH tunnel (ssh -L {port}:127.0.0.1:{port} HOST), or a proxy with HTTPS in front"
        )
    if not processes.MEMORY_IS_KNOWN:
        yield "the memory of sessions is not limited on this system"


def _has_display() -> bool:
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))


@contextlib.contextmanager
def _signals_set(stop: Callable[[], object]) -> Iterator[None]:
    """Call ``stop`` for Ctrl-C, a polite kill and a terminal that closes, instead of what they did before."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {n: signal.signal(n, lambda *_: loop.call_soon_threadsafe(stop)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _number(kind: type, lowest: float, highest: float = math.inf) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = kind(text)
        if not (lowest <= value <= highest and math.isfinite(value)):
            upper = f" and at most {highest:g}" if math.isfinite(highest) else ""
            raise argparse.ArgumentTypeError(f"{text}: at least {lowest:g}{upper} is needed")
        return value

    parse.__name__ = "number"  # what argparse says when it is none
    return parse
