"""An index of any size, filled by turns of the index itself.

Folders of a thousand files; one folder with a tenth of all; a folder whose files, up to ten
thousand, all hold one content; and one file with many versions. Ten names share a content.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path as DiskPath

from storage.disk.blobs import DiskBlobs
from storage.disk.hashing import Hasher
from storage.disk.staging import StagedBytes
from storage.sqlite.founding import digest_algorithm
from storage.sqlite.index import SqliteIndex
from uploads.files import Content, Stamp
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Turn

BIG = Path(("big",))
SECRET = Path(("secret",))
BUSY = Path(("busy.jpg",))
MOST_TWINS = 10_000
STAMP = Stamp("user:ann", 1_700_000_000.0)
AT_ONCE = 1000
NAMES_PER_CONTENT = 10

File = tuple[Path, StagedBytes]


async def opened(data: DiskPath) -> tuple[SqliteIndex, DiskBlobs]:
    blobs = DiskBlobs(data, "blake3", inline_below=16_384, publish=lambda _: None)
    digest_algorithm(data, "blake3")
    keys = Policies(Policy(), {}).keys
    index = await SqliteIndex.open(
        data, keys=keys, blobs=blobs, publish=lambda _: None, clock=lambda: STAMP.at
    )
    blobs.small = index.small
    return index, blobs


def staged(text: str) -> StagedBytes:
    data = b"\xff\xd8\xff\xe0" + text.encode()
    hasher = Hasher("blake3")
    hasher.update(data)
    return StagedBytes(Content(hasher.digest(), len(data), "image/jpeg"), {}, data)


TWIN = staged("what all files in a folder hold")


async def fill(index: SqliteIndex, count: int, tell: Callable[[int], object]) -> None:
    files = files_of(count)
    done = 0
    while batch := [*islice(files, AT_ONCE)]:
        await index.write(lambda turn, batch=batch: store(turn, batch))  # type: ignore[misc]
        done += len(batch)
        tell(done)


async def fill_folder(data: DiskPath, count: int) -> None:
    """One folder of a new data folder, with names as cameras and people give them."""
    index, blobs = await opened(data)
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        files = [(BIG.child(picture(number)), staged(str(number))) for number in numbers]
        await index.write(lambda turn, files=files: store(turn, files))  # type: ignore[misc]
    await index.close()
    await blobs.close()


def picture(number: int) -> str:
    return f"picture of the year {number:06}.jpg"


def files_of(count: int) -> Iterator[File]:
    twins, versions, big = twins_in(count), count // 100, count // 10
    for number in range(twins):
        yield SECRET.child(f"twin-{number:07}.jpg"), TWIN
    for number in range(versions):
        yield BUSY, staged(f"version {number}")
    for number in range(big):
        yield BIG.child(big_name(number)), shared(number)
    for number in range(big, count - twins - versions):
        folder = Path((f"folder-{number // 1000:05}",))
        yield folder.child(f"file-{number:07}.jpg"), shared(number)


def twins_in(count: int) -> int:
    return min(MOST_TWINS, count // 5)


def big_name(number: int) -> str:
    return f"file-{number:07}.jpg"


def shared(number: int) -> StagedBytes:
    return staged(f"content {number // NAMES_PER_CONTENT}")


def store(turn: Turn, files: list[File]) -> None:
    for path, held in files:
        turn.keep(held)
        turn.store(path, held.content, STAMP)
