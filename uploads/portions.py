"""One request's share of an upload that arrives in pieces: what it says, and how it is taken in."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from uploads.failures import (
    BodyStalled,
    BodyTooShort,
    Failure,
    WrongDigest,
    WrongLength,
    WrongOffset,
)
from uploads.files import Incoming
from uploads.ports import Continued, Piece, Tap
from uploads.seats import Seat, to_the_end

# So much is sent again after a kill at the worst moment: more often costs a sync, and a commit.
SAVE_BYTES = 64 << 20
SAVE_SECONDS = 5.0

Body = AsyncIterable[Piece | Tap]


@dataclass(frozen=True, slots=True)
class Portion:
    """`brings`: how many bytes come with it, if that is known. `size`: of the whole, where it is
    said. `is_last`: the upload ends with it, as it does when all bytes are there. `declared`:
    digests of what it brings.
    """

    offset: int
    brings: int | None = None
    size: int | None = None
    is_last: bool | None = None
    declared: Mapping[str, bytes] = field(default_factory=dict)

    def onto(self, incoming: Incoming) -> Incoming:
        """The upload from where this goes on. :raises WrongOffset, WrongLength: it does not fit."""
        if self.offset not in {incoming.offset, incoming.resumes_at}:
            raise WrongOffset(
                f"This upload goes on at byte {incoming.resumes_at:,}, not at {self.offset:,}.",
                incoming.resumes_at,
                self.offset,
            )
        size = self._size(incoming)
        end = self.offset + (self.brings or 0)
        if size is not None and (
            end > size or (self.is_last and self._ends_at not in {None, size})
        ):
            raise WrongLength(
                f"This upload has {size:,} bytes in all, and this request would make it {end:,}."
                " Nothing of the request was taken."
            )
        return replace(incoming, offset=self.offset, size=size)

    def size_at_beginning(self) -> int | None:
        """Of an upload that begins with this. :raises WrongLength: it is said in two ways."""
        ends = self._ends_at if self.is_last else None
        if None not in {self.size, ends} and self.size != ends:
            raise WrongLength(
                f"The upload is said to have {self.size:,} bytes, and the body that is said to be"
                f" all of it has {ends:,}."
            )
        return ends if self.size is None else self.size

    def completes(self, incoming: Incoming, received: int) -> bool:
        """Of what has its whole length nothing more can come, whoever says that it will: there are
        clients that never say that it is the end, and hold it for stored.
        """
        return received == incoming.size or bool(self.is_last)

    @property
    def _ends_at(self) -> int | None:
        return None if self.brings is None else self.offset + self.brings

    def _size(self, incoming: Incoming) -> int | None:
        said = {size for size in (incoming.size, self.size) if size is not None}
        if len(said) > 1:
            raise WrongLength(
                f"This upload was said to have {incoming.size:,} bytes, and now {self.size:,}."
                " Its length can be said once."
            )
        if not said and self.is_last:
            return self._ends_at
        return said.pop() if said else None


class Taking:
    """Takes the bytes in, and records now and then how far they have come."""

    def __init__(
        self,
        stage: Continued,
        incoming: Incoming,
        portion: Portion,
        record: Callable[[Incoming], Awaitable[Incoming]],
        check: Callable[[int, int], None],
    ) -> None:
        """`check` is told how many bytes there are, and how many came just now."""
        self.incoming = incoming
        self._stage = stage
        self._portion = portion
        self._record = record
        self._check = check
        self._saved = incoming.offset
        self._saved_at = time.monotonic()
        self._saving: asyncio.Task[None] | None = None
        self._verified = False

    async def take(self, seat: Seat, body: Body) -> None:
        """Whatever happens, what came is kept, unless it is not what was said."""
        try:
            await seat.do(self._fill(body))
            await self._check_digests()
            self._verified = True
            self._check_end()
            await self._end_saving()
        except (WrongDigest, WrongLength):
            await self._drop()
            raise
        except Failure as broken:
            await to_the_end(self.rescue())
            raise self._told(broken) from broken
        except BaseException:
            await to_the_end(self.rescue())
            raise

    @property
    def is_whole(self) -> bool:
        return self._portion.completes(self.incoming, self._stage.received)

    async def keep(self) -> Incoming:
        """Makes durable all that came."""
        self.incoming = await self._record(replace(self.incoming, offset=await self._stage.pause()))
        return self.incoming

    async def rescue(self) -> None:
        """The same after something went wrong. What came half of a piece that was to be verified
        cannot be, and is sent again.
        """
        if self._portion.declared and not self._verified:
            await self._drop()
        await self._end_saving()
        with suppress(Failure):
            await self.keep()

    async def _drop(self) -> None:
        await self._end_saving()
        await self._stage.rewind()

    async def _fill(self, body: Body) -> None:
        async for flow in body:
            if isinstance(flow, Piece):
                await self._stage.write(flow)
                self._came(len(flow))
                continue
            while not flow.ended:
                await flow.ready()
                self._came(await self._stage.draw(flow))

    async def _check_digests(self) -> None:
        declared = self._portion.declared
        came = await self._stage.piece() if declared else {}
        for algorithm, value in declared.items():
            if not hmac.compare_digest(came[algorithm], value):
                raise WrongDigest(
                    f"What this request brought does not have the {algorithm} digest that was"
                    " declared. Nothing of it was kept; send it again."
                )

    def _check_end(self) -> None:
        received, size = self._stage.received, self.incoming.size
        if self._portion.is_last and size not in {None, received}:
            raise WrongLength(
                f"This upload was said to have {size:,} bytes, and this request ended it after"
                f" {received:,}. Nothing of the request was taken."
            )

    def _told(self, broken: Failure) -> Failure:
        """The same in the words for an upload that can go on."""
        if not isinstance(broken, BodyTooShort | BodyStalled):
            return broken
        how = "stood still" if isinstance(broken, BodyStalled) else "broke off"
        return type(broken)(
            f"The body {how}. {self.incoming.offset:,} bytes of this upload are kept:"
            " ask how far it has come, and go on from there."
        )

    def _came(self, count: int) -> None:
        received, size = self._stage.received, self.incoming.size
        if size is not None and received > size:
            raise too_long(size)
        self._check(received, count)
        if self._saving is not None and self._saving.done():
            saving, self._saving = self._saving, None
            saving.result()
        if self._saving is None and self._is_due(received):
            self._saved, self._saved_at = received, time.monotonic()
            self._saving = asyncio.create_task(self._save())

    def _is_due(self, received: int) -> bool:
        more, spent = received - self._saved, time.monotonic() - self._saved_at
        saves = more >= SAVE_BYTES and not self._portion.declared
        return saves or (more > 0 and spent >= SAVE_SECONDS)

    async def _save(self) -> None:
        """Beside what goes on coming in. What has yet to be verified is only waited for longer."""
        secured = self._portion.offset if self._portion.declared else await self._stage.secure()
        self.incoming = await self._record(replace(self.incoming, offset=secured))

    async def _end_saving(self) -> None:
        if self._saving is not None:
            # Whoever is ended here comes again, and waits for it then.
            await asyncio.wait({self._saving})
            saving, self._saving = self._saving, None
            saving.exception()


def too_long(size: int | None) -> WrongLength:
    return WrongLength(
        f"This upload has {size or 0:,} bytes in all, and more came."
        " Nothing of the request was taken."
    )
