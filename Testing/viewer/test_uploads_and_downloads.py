"""Files that go to a session and come from it, and those that do not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os

import pytest

MIB = 1 << 20


async def files(visitor, place) -> dict:
    return json.loads((await visitor.get(f"{place}files")).page)


def folder_of(visitor):
    (folder,) = visitor.folder.iterdir()
    return folder


def test_a_file_arrives_whole_under_its_path(talk):
    async def story(visitor):
        place = await visitor.enter()
        content = os.urandom(3 * MIB + 17)
        answer = await visitor.upload(place, "study Ä/7/fid.nii.gz", content, batch="scan_1")
        assert answer.status == 200, answer.page
        assert json.loads(answer.page) == {"batch": "scan_1", "path": "study Ä/7/fid.nii.gz", "bytes": len(content)}
        path = folder_of(visitor) / "uploads" / "scan_1" / "study Ä" / "7" / "fid.nii.gz"
        assert path.read_bytes() == content
        assert len(await files(visitor, place)) == 1
        for private in (path, folder_of(visitor)):
            assert private.stat().st_mode & 0o077 == 0

    talk(story)


BAD_PATHS = ["", ".", "..", "../x", "a/../../x", "a/..", "/etc/passwd", "//x", "a//b", "a/", "./a", "C:/x", "C:x",
             "a\\b", "..\\x", "a\x00b", "a\nb", "con", "a/NUL.txt", "com1.nii.gz", "LPT9", "aux .txt", "x.", "x ",
             "a:stream", "a*b", "x" * 256, "ä" * 128, "/".join("a" * 13)]  # fmt: skip


def test_a_path_that_some_system_takes_for_something_else_is_refused(talk):
    async def story(visitor):
        place = await visitor.enter()
        for path in BAD_PATHS:
            answer = await visitor.upload(place, path)
            assert answer.status == 400, path
            assert answer.page.count("\n") == 0
            assert "path of an upload" in answer.page
        assert await files(visitor, place) == {}

    talk(story)


def test_usual_paths_are_taken(talk):
    async def story(visitor):
        place = await visitor.enter()
        paths = ["a b.nii.gz", "...a", "conf/com10", "2dseq", ".hidden", "/".join("a" * 12), "ä" * 127]
        for path in paths:
            assert (await visitor.upload(place, path)).status == 200, path
        assert await files(visitor, place) == {f"uploads/b/{path}": 1 for path in paths}

    talk(story)


def test_a_batch_needs_a_plain_name(talk):
    async def story(visitor):
        place = await visitor.enter()
        for batch in ("", "..", "a/b", "a.b", "x" * 65, "ä"):
            answer = await visitor.upload(place, "a", batch=batch)
            assert answer.status == 400, batch
            assert "batch of an upload" in answer.page

    talk(story)


def test_an_upload_that_would_have_to_be_unpacked_is_refused(talk):
    async def story(visitor):
        place = await visitor.enter()
        headers = visitor.origin | {"Content-Encoding": "gzip"}
        answer = await visitor.ask("POST", f"{place}upload?batch=b&path=a", data=b"x", headers=headers)
        assert answer.status == 415
        assert await files(visitor, place) == {}

    talk(story)


async def begin_upload(visitor, place, announced: int):
    """A connection on which the head of an upload was sent, and nothing of its body."""
    host, port = visitor.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {place}upload?batch=b&path=a HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {visitor.base}\r\n"
    writer.write(f"{head}Content-Length: {announced}\r\n\r\n".encode())
    return reader, writer


async def pieces(count: int, size: int = MIB):
    """A body of which nobody knows the length before."""
    for _ in range(count):
        yield bytes(size)


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_large_is_refused_and_leaves_nothing(talk, announced):
    async def story(visitor):
        place = await visitor.enter()
        assert (await visitor.upload(place, "first", bytes(2 * MIB))).status == 200
        answer = await visitor.upload(place, "second", bytes(3 * MIB) if announced else pieces(3))
        assert answer.status == 413
        assert answer.page.startswith("More than 4 MiB cannot be uploaded in a session (--upload-mib)")
        assert await files(visitor, place) == {"uploads/b/first": 2 * MIB}
        assert (await visitor.upload(place, "third", bytes(2 * MIB))).status == 200  # exactly what is left

    talk(story, upload_bytes=4 * MIB)


def test_what_says_that_it_is_too_large_is_refused_before_it_is_sent(talk):
    async def story(visitor):
        place = await visitor.enter()
        reader, writer = await begin_upload(visitor, place, 5 * MIB)
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()

    talk(story, upload_bytes=4 * MIB)


def test_a_body_without_end_is_refused_as_soon_as_it_is_too_large(talk):
    async def story(visitor):
        sent = 0

        async def endless():
            nonlocal sent
            while True:
                sent += MIB
                yield bytes(MIB)

        place = await visitor.enter()
        with contextlib.suppress(visitor.error):  # the front closes, perhaps before its answer was read
            assert (await visitor.upload(place, "a", endless())).status == 413
        assert sent < 200 * MIB
        assert await files(visitor, place) == {}

    talk(story, upload_bytes=4 * MIB)


def test_too_many_files_are_refused(talk):
    async def story(visitor):
        place = await visitor.enter()
        for name in "ab":
            assert (await visitor.upload(place, name)).status == 200
        answer = await visitor.upload(place, "c")
        assert answer.status == 413
        assert answer.page == "More than 2 files cannot be uploaded in a session."
        assert set(await files(visitor, place)) == {"uploads/b/a", "uploads/b/b"}

    talk(story, upload_files=2)


def test_uploads_at_once_share_the_bound(talk):
    async def story(visitor):
        place = await visitor.enter()
        answers = await asyncio.gather(*(visitor.upload(place, f"f{i}", pieces(2)) for i in range(6)))
        taken = [f"uploads/b/f{i}" for i, answer in enumerate(answers) if answer.status == 200]
        assert {answer.status for answer in answers} <= {200, 413}
        assert len(taken) <= 4  # 8 MiB in all
        assert await files(visitor, place) == dict.fromkeys(taken, 2 * MIB)
        for i in range(4 - len(taken)):  # nothing of those refused still counts
            assert (await visitor.upload(place, f"again{i}", bytes(2 * MIB))).status == 200
        assert (await visitor.upload(place, "more")).status == 413

    talk(story, upload_bytes=8 * MIB)


def test_many_files_arrive_at_once(talk):
    async def story(visitor):
        place = await visitor.enter()
        answers = await asyncio.gather(*(visitor.upload(place, f"d{i % 7}/f{i}", bytes([i])) for i in range(100)))
        assert {answer.status for answer in answers} == {200}
        root = folder_of(visitor) / "uploads" / "b"
        assert all((root / f"d{i % 7}" / f"f{i}").read_bytes() == bytes([i]) for i in range(100))

    talk(story)


def test_a_file_sent_again_replaces_the_first_and_counts_once(talk):
    async def story(visitor):
        place = await visitor.enter()
        for _ in range(5):
            assert (await visitor.upload(place, "a", bytes(MIB))).status == 200
        assert await files(visitor, place) == {"uploads/b/a": MIB}

    talk(story, upload_bytes=2 * MIB, upload_files=2)


def test_a_file_and_a_folder_of_one_name_are_refused(talk):
    async def story(visitor):
        place = await visitor.enter()
        assert (await visitor.upload(place, "a/b")).status == 200
        for path in ("a", "a/b/c"):
            answer = await visitor.upload(place, path)
            assert answer.status == 400
            assert "is a file and a folder in the same batch" in answer.page
        assert await files(visitor, place) == {"uploads/b/a/b": 1}

    talk(story)


def test_an_upload_that_breaks_off_leaves_nothing(talk):
    async def story(visitor):
        place = await visitor.enter()
        _, writer = await begin_upload(visitor, place, 4 * MIB)
        writer.write(bytes(2 * MIB))
        await writer.drain()
        partial = await visitor.until(lambda: list(folder_of(visitor).glob("partial-*")))
        writer.close()
        await visitor.until(lambda: not partial[0].exists())
        assert await files(visitor, place) == {}
        assert (await visitor.upload(place, "a", bytes(4 * MIB))).status == 200  # it does not count

    talk(story, upload_bytes=4 * MIB)


def test_a_disk_that_is_full_is_told(talk, monkeypatch):
    async def story(visitor):
        import errno

        place = await visitor.enter()

        async def full(*_arguments):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("PCrCESTLib.viewer.upload.asyncio.to_thread", full)
            answer = await visitor.upload(place, "a")
        assert answer.status == 507
        assert "'a' cannot be stored on the server (No space left on device)" in answer.page
        assert await files(visitor, place) == {}

    talk(story)


def test_the_end_of_a_session_is_the_end_of_its_uploads(talk):
    async def story(visitor):
        place = await visitor.enter()
        begun = asyncio.Event()

        async def slow():
            yield bytes(2 * MIB)
            begun.set()
            await visitor.ended(place)
            yield bytes(MIB)

        upload = asyncio.create_task(visitor.upload(place, "a", slow()))
        await begun.wait()
        await visitor.exit(place, 0)
        assert (await upload).status == 410

    talk(story)


def offer(visitor, name: str, content: bytes = b"abc"):
    path = folder_of(visitor) / "downloads" / name
    path.write_bytes(content)
    return path


def test_a_download_is_an_attachment_under_its_own_name(talk):
    async def story(visitor):
        place = await visitor.enter()
        content = os.urandom(2 * MIB)
        offer(visitor, 'maps "Ä".zip', content)
        answer = await visitor.get(f"{place}download/maps%20%22%C3%84%22.zip")
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"maps ___.zip\"; filename*=UTF-8''maps%20%22%C3%84%22.zip"
        )

    talk(story)


def test_what_a_browser_shows_itself_runs_no_scripts(talk):
    async def story(visitor):
        place = await visitor.enter()
        kinds = {"a.html": "text/html; charset=utf-8", "overview.png": "image/png", "report.PDF": "application/pdf"}
        for name, kind in kinds.items():
            offer(visitor, name)
            shown = await visitor.get(f"{place}download/{name}?inline=1")
            assert shown.headers["Content-Type"] == kind
            assert shown.headers["Content-Disposition"].startswith("inline")
            assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            saved = await visitor.get(f"{place}download/{name}")
            assert saved.headers["Content-Disposition"].startswith("attachment")

    talk(story)


def test_nothing_else_is_shown_inline(talk):
    async def story(visitor):
        place = await visitor.enter()
        for name in ("page.svg", "page.xhtml", "maps.nii.gz", "html"):
            offer(visitor, name)
            answer = await visitor.get(f"{place}download/{name}?inline=1")
            assert answer.headers["Content-Type"] == "application/octet-stream", name
            assert answer.headers["Content-Disposition"].startswith("attachment"), name

    talk(story)


def test_only_plain_files_of_the_downloads_are_served(talk, tmp_path):
    async def story(visitor):
        place = await visitor.enter()
        secret = tmp_path / "secret.txt"
        secret.write_text("secret")
        downloads = folder_of(visitor) / "downloads"
        (downloads / "link.txt").symlink_to(secret)
        (downloads / "folder").mkdir()
        (downloads / "folder" / "x").write_text("x")
        os.mkfifo(downloads / "pipe")
        await visitor.upload(place, "x")
        names = ["link.txt", "folder", "pipe", "none", "folder%2Fx", "%2Fetc%2Fpasswd", "folder/x", "a:b", "%00x"]
        for name in names:
            answer = await visitor.get(f"{place}download/{name}")
            assert answer.status in (400, 404), name
            assert "secret" not in answer.page

    talk(story)
