"""Parts that are numbered after another one: they begin and end with it, in one turn."""

from collections.abc import Sequence

from uploads import partnames
from uploads.arrivals import not_there
from uploads.files import Incoming
from uploads.ports import Turn


def make_way(turn: Turn, id_: str) -> None:
    """For what is to come under this id. :raises NotThere: it is a number of nothing."""
    upload = partnames.upload_of(id_)
    if upload is not None and turn.incoming(upload) is None:
        raise not_there()
    drop_gathered(turn, id_)


def drop_gathered(turn: Turn, id_: str) -> None:
    for one in turn.gathered(id_):
        turn.drop_incoming(one.id)


def drop_unjoined(turn: Turn, parts: Sequence[Incoming]) -> None:
    """What is still coming under a number of what has been joined comes too late."""
    for part in parts:
        if not partnames.is_numbered(part):
            drop_gathered(turn, part.id)
