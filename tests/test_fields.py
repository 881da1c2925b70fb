"""Lists in header fields, of whatever length."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.headers import fields
from tests.doors import opened
from tests.wire import Wire, message


@given(st.text(alphabet=",; \t\\a=", max_size=20), st.sampled_from(",;"))
def test_a_list_without_quotes_is_parted_as_one_with_them(text: str, separator: str) -> None:
    with_quotes = fields.split(f'""{separator}{text}', separator)
    assert with_quotes == ['""', *fields.split(text, separator)]


async def test_headers_are_refused_that_are_too_long_together() -> None:
    """Each is read whole while everybody waits: a megabyte of wishes took a second."""
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        for count, status in ((8, 404), (9, 431)):
            lines = [f"Prefer: {'a=b,' * 1999}\r\n" for _ in range(count)]
            head, _, _ = message("GET", "/files/a").partition(b"\r\n\r\n")
            answer = await wire.ask(head + b"\r\n" + "".join(lines).encode() + b"\r\n")
            assert answer.status == status
        assert answer.json["type"] == "/problems/headers-too-large"
        assert answer.json["detail"] == "All headers together may have 65,520 bytes."
        assert await wire.reader.read() == b""
        await wire.close()
