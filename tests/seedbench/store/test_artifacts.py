"""Files on disk are not trusted: damaged artifacts and cache entries are detected, reported and replaced."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seedbench.errors import ArtifactError, ClipError, StorageError
from seedbench.files.atomic import move_aside
from seedbench.files.hashing import file_sha256
from seedbench.store.artifacts import Artifacts
from seedbench.store.cache import DiskCache, cached, use_cache

CONTENT = bytes(range(256)) * 40


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def random_bytes(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def a_link(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"of somebody else")
    path.unlink()
    path.symlink_to(other)


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def gone(path: Path) -> None:
    path.unlink()


def no_folder(path: Path) -> None:
    """A file where the folder of the entry must be."""
    for entry in path.parent.iterdir():
        entry.unlink()
    path.parent.rmdir()
    path.parent.write_bytes(b"x")


DAMAGES = [emptied, truncated, flipped, random_bytes, a_folder, a_link, a_dangling_link, a_pipe, gone, no_folder]
damaged_by = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


@pytest.fixture
def store(tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path / "artifacts"), tmp_path / "scratch", tmp_path / "fetched")


@pytest.fixture(params=["memory", "file"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    url = f"memory://{uuid.uuid4().hex}" if request.param == "memory" else (tmp_path / "bucket").as_uri()
    return Artifacts(url, tmp_path / "scratch", tmp_path / "fetched")


def clip_file(store: Artifacts, content: bytes = CONTENT, name: str = "clip.mp4") -> Path:
    """A file in the scratch folder of a store, as a generator leaves it."""
    file = store.scratch / uuid.uuid4().hex / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def failing(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """A method of Path that fails for clips, as when too many files are open or the disk does not respond."""

    def fail(path: Path, *given: Any, **more: Any) -> Any:
        if ".mp4" in path.name:
            raise OSError(number, os.strerror(number))
        return call(path, *given, **more)

    return fail


@damaged_by
def test_a_damaged_artifact_is_an_error_and_replaced_when_put_again(store: Artifacts, damage: Callable[[Path], None]) -> None:
    sha256 = store.put(clip_file(store), move=True)
    damage(store.local(sha256, ".mp4"))
    with pytest.raises(ArtifactError, match=r"gone from the store|in the store is damaged: \w"):
        store.local(sha256, ".mp4")
    assert store.put(clip_file(store), move=True) == sha256
    path = store.local(sha256, ".mp4")
    assert path.read_bytes() == CONTENT
    assert not path.is_symlink()
    if damage is a_link:
        assert path.with_name("other").read_bytes() == b"of somebody else"


def test_another_file_at_the_path_of_an_artifact_is_kept(store: Artifacts) -> None:
    sha256 = store.put(clip_file(store), move=True)
    path = store.local(sha256, ".mp4")
    a_folder(path)
    (path / "inside" / "mine").write_text("mine")
    store.put(clip_file(store), move=True)
    assert [file.read_text() for file in path.parent.rglob("mine")] == ["mine"]


def test_an_artifact_is_damaged_even_where_size_and_time_are_the_same(store: Artifacts) -> None:
    sha256 = store.put(clip_file(store), move=True)
    path = store.local(sha256, ".mp4")
    before = path.stat()
    flipped(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ArtifactError, match="are not those that were stored"):
        store.local(sha256, ".mp4")


def test_the_target_of_a_link_is_copied_and_left_unchanged(store: Artifacts, tmp_path: Path) -> None:
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(CONTENT)
    link = clip_file(store)
    link.unlink()
    link.symlink_to(mine)
    sha256 = store.put(link, move=True)
    path = store.local(sha256, ".mp4")
    assert not path.is_symlink()
    mine.write_bytes(b"changed by its owner")
    assert store.local(sha256, ".mp4").read_bytes() == CONTENT
    store.remove(sha256, ".mp4")
    assert mine.read_bytes() == b"changed by its owner"


def test_a_file_with_two_names_is_copied(store: Artifacts, tmp_path: Path) -> None:
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(CONTENT)
    given = clip_file(store)
    given.unlink()
    given.hardlink_to(mine)
    sha256 = store.put(given, move=True)
    mine.write_bytes(b"changed by its owner")
    assert store.local(sha256, ".mp4").read_bytes() == CONTENT


def test_a_file_behind_a_linked_folder_stays_where_it_is(store: Artifacts, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "clip.mp4").write_bytes(CONTENT)
    store.scratch.mkdir()
    room = store.scratch / "room"
    room.symlink_to(mine)
    store.put(room / "clip.mp4", move=True)
    assert (mine / "clip.mp4").read_bytes() == CONTENT


def test_a_file_made_for_the_store_is_taken_and_not_copied(store: Artifacts) -> None:
    file = clip_file(store)
    store.put(file, move=True)
    assert not file.exists()


@pytest.mark.parametrize("what", [a_folder, a_pipe, a_dangling_link, gone], ids=lambda what: what.__name__)
def test_a_path_that_is_not_a_file_is_refused_in_a_sentence(store: Artifacts, what: Callable[[Path], None]) -> None:
    file = clip_file(store)
    what(file)
    with pytest.raises(ClipError, match=r"is a folder|is a pipe|leads to no file|no such file"):
        store.put(file, move=True)


@pytest.mark.parametrize("mounted", [None, "a folder", "lost+found"])
def test_a_store_on_an_absent_drive_is_not_treated_as_empty(store: Artifacts, mounted: str | None) -> None:
    folder = Path(store.url)
    if mounted:
        (folder / mounted).mkdir(parents=True)
    for ask in (store.local, store.remove):
        with pytest.raises(StorageError, match=r"is (not there|empty): is its drive connected\?") as caught:
            ask("0" * 64, ".mp4")
        assert not isinstance(caught.value, ArtifactError)
    (folder / "00").mkdir(parents=True)  # what the sentence tells whoever deleted the store to do
    with pytest.raises(ArtifactError, match="gone from the store"):
        store.local("0" * 64, ".mp4")
    assert not store.remove("0" * 64, ".mp4")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ESTALE], ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["stat", "open"])
def test_a_system_error_is_not_reported_as_a_damaged_artifact(
    store: Artifacts, number: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = store.put(clip_file(store), move=True)
    with monkeypatch.context() as patch:
        patch.setattr(Path, call, failing(getattr(Path, call), number))
        with pytest.raises(StorageError, match="cannot be read from") as caught:
            store.local(sha256, ".mp4")
    assert not isinstance(caught.value, ArtifactError)
    assert store.local(sha256, ".mp4").read_bytes() == CONTENT


def test_a_system_error_is_not_reported_as_a_damaged_remote_artifact(remote: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = remote.put(clip_file(remote))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", failing(Path.open, errno.EMFILE))
        with pytest.raises(StorageError, match="Too many open files") as caught:
            remote.local(sha256, ".mp4")
    assert not isinstance(caught.value, ArtifactError)
    assert remote.local(sha256, ".mp4").read_bytes() == CONTENT


def remote_place(store: Artifacts, sha256: str) -> tuple[object, str]:
    import fsspec

    filesystem, root = fsspec.core.url_to_fs(store.url)
    return filesystem, f"{root}/{sha256[:2]}/{sha256}.mp4"


@pytest.mark.parametrize("content", [b"", CONTENT[:100], b"x" + CONTENT[1:]], ids=["emptied", "truncated", "other bytes"])
def test_a_damaged_remote_artifact_is_an_error_and_replaced_when_put_again(remote: Artifacts, content: bytes) -> None:
    sha256 = remote.put(clip_file(remote))
    filesystem, path = remote_place(remote, sha256)
    filesystem.pipe_file(path, content)  # type: ignore[attr-defined]
    with pytest.raises(ArtifactError, match="is damaged"):
        remote.local(sha256, ".mp4")
    remote.put(clip_file(remote))
    assert remote.local(sha256, ".mp4").read_bytes() == CONTENT


@damaged_by
def test_a_damaged_copy_of_a_remote_artifact_is_fetched_again(remote: Artifacts, damage: Callable[[Path], None]) -> None:
    sha256 = remote.put(clip_file(remote))
    damage(remote.local(sha256, ".mp4"))
    assert remote.local(sha256, ".mp4").read_bytes() == CONTENT


def test_removing_a_remote_artifact_removes_it_and_its_copy(remote: Artifacts) -> None:
    sha256 = remote.put(clip_file(remote))
    copy = remote.local(sha256, ".mp4")
    filesystem, path = remote_place(remote, sha256)
    assert remote.remove(sha256, ".mp4")
    assert not filesystem.exists(path)  # type: ignore[attr-defined]
    assert not copy.exists()
    assert not remote.remove(sha256, ".mp4")
    with pytest.raises(ArtifactError, match="gone"):
        remote.local(sha256, ".mp4")


def test_an_unreachable_store_is_an_error_and_not_treated_as_empty(tmp_path: Path) -> None:
    store = Artifacts("nosuchscheme://bucket", tmp_path, tmp_path / "fetched")
    for ask in (lambda: store.local("0" * 64, ".mp4"), lambda: store.remove("0" * 64, ".mp4"), lambda: store.put(clip_file(store))):
        with pytest.raises(StorageError, match=r"nosuchscheme://bucket \(") as caught:
            ask()
        assert not isinstance(caught.value, ArtifactError)


# -- hashes ------------------------------------------------------------------------------------------------------------------------


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    file = tmp_path / "a"
    file.write_bytes(b"one")
    hashed = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: hashed.append(1) or digest(*given))
    monkeypatch.setattr("seedbench.files.hashing._SETTLED_NS", -(10**12))  # as if the file had lain there for long
    first = file_sha256(file)
    assert file_sha256(file) == first
    assert len(hashed) == 1
    file.write_bytes(b"other")
    assert file_sha256(file) != first


def test_a_file_written_twice_within_a_tick_of_the_clock_is_hashed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    hashes = set()
    monkeypatch.setattr(Path, "stat", _one_state(file.parent))
    for content in (b"one", b"two"):
        file.write_bytes(content)
        hashes.add(file_sha256(file))
    assert len(hashes) == 2


def _one_state(folder: Path) -> Callable[..., os.stat_result]:
    """A ``stat`` that gives equal results for two contents of the same size."""
    seen: list[os.stat_result] = []

    def stat(path: Path, **_: object) -> os.stat_result:
        seen.append(os.stat(path))
        return seen[0] if path.parent == folder else seen[-1]

    return stat


# -- cache -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DiskCache]:
    kept = DiskCache(tmp_path / "cache")
    before = use_cache(kept)
    yield kept
    use_cache(before)


def entry(cache: DiskCache) -> Path:
    [path] = [file for file in cache.folder.rglob("*") if file.is_file()]
    return path


@damaged_by
def test_a_damaged_entry_is_computed_again_and_rewritten(cache: DiskCache, damage: Callable[[Path], None]) -> None:
    asked = []

    def make() -> tuple[int, str]:
        asked.append(1)
        return 5, "five"

    assert cached("key", make) == (5, "five")
    path = entry(cache)
    damage(path)
    assert cached("key", make) == (5, "five")
    assert cached("key", make) == (5, "five")
    assert len(asked) == 2
    assert path.is_file()
    assert not path.is_symlink()


def test_every_flipped_bit_of_an_entry_is_noticed(cache: DiskCache) -> None:
    cache.put("key", b"payload")
    path = entry(cache)
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(data))
        assert cache.get("key") is None
    path.write_bytes(whole)
    assert cache.get("key") == b"payload"


def test_an_entry_with_the_content_of_another_is_not_used(cache: DiskCache) -> None:
    cache.put("one", b"1")
    first = entry(cache)
    cache.put("two", b"2")
    [second] = [file for file in cache.folder.rglob("*") if file.is_file() and file != first]
    second.write_bytes(first.read_bytes())
    assert cache.get("two") is None
    assert cache.get("one") == b"1"


def test_an_entry_of_the_format_without_a_checksum_is_not_used(cache: DiskCache) -> None:
    from seedbench.store import codec

    cache.put("key", b"")
    entry(cache).write_bytes(codec.pack((6, "not five")))
    assert cached("key", lambda: (5, "five")) == (5, "five")


def test_an_entry_of_another_kind_or_that_cannot_be_unpacked_is_computed_again(cache: DiskCache) -> None:
    from seedbench.store import codec

    cache.put("key", codec.pack([1, 2]))
    assert cached("key", lambda: (5, "five"), kind=tuple) == (5, "five")
    cache.put("key", b"not packed at all")
    assert cached("key", lambda: (5, "five"), kind=tuple) == (5, "five")
    assert cached("key", lambda: (6, "six"), kind=tuple) == (5, "five")


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error"), StorageError("full"), KeyboardInterrupt()], ids=repr)
def test_an_error_is_never_cached(cache: DiskCache, error: BaseException) -> None:
    def fail() -> tuple[int, str]:
        raise error

    with pytest.raises(type(error)):
        cached("key", fail)
    assert cached("key", lambda: (5, "five")) == (5, "five")


def test_moving_aside_touches_only_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "file").write_text("x")
    move_aside(tmp_path / "ab" / "file", tmp_path)
    assert (tmp_path / "ab" / "file").read_text() == "x"
    move_aside(tmp_path / "ab" / "file" / "below", tmp_path)
    assert not (tmp_path / "ab" / "file").exists()
    assert [file.read_text() for file in (tmp_path / "ab").iterdir()] == ["x"]
