"""The C library's search says what Python's own says."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.finding import find

FEW = st.binary(max_size=40).map(lambda text: bytes(byte % 3 for byte in text))


@given(FEW, FEW.filter(bool), st.data())
def test_it_finds_what_python_finds(text: bytes, wanted: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    buffer = bytearray(text)
    assert find(buffer, wanted, start, end) == buffer.find(wanted, start, end)


def test_the_buffer_can_change_its_size_afterwards() -> None:
    buffer = bytearray(b"abc\0def")
    assert find(buffer, b"\0d", 0, 7) == 3
    buffer += b"more"
    assert find(buffer, b"\0e", 0, len(buffer)) == -1
