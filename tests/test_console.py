"""Progress, amounts and text for people at a terminal."""

import io

import pytest

from program.console import Progress, amount, printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def advance(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 1000.0 + seconds)


def test_what_takes_less_than_a_second_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    advance(monkeypatch, 0)
    stream = Terminal()
    with Progress("importing", 100, stream=stream) as progress:
        advance(monkeypatch, 0.9)
        progress.add(50)

    assert stream.getvalue() == ""


def test_a_terminal_gets_one_line_that_is_drawn_again_and_wiped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    advance(monkeypatch, 0)
    stream = Terminal()
    with Progress("importing", 2048, stream=stream) as progress:
        advance(monkeypatch, 1)
        progress.add(1024)
        assert stream.getvalue().endswith(
            "\r\x1b[Kimporting [###############---------------]  50%  1.0 KiB of 2.0 KiB"
        )
        progress.say("a line that stays")
        assert stream.getvalue().endswith("\r\x1b[K")
        advance(monkeypatch, 1.2)
        progress.add(1024)
    assert stream.getvalue().endswith("100%  2.0 KiB of 2.0 KiB\r\x1b[K")
    assert "\n" not in stream.getvalue()
    assert capsys.readouterr().out == "a line that stays\n"


def test_elsewhere_a_plain_line_comes_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    advance(monkeypatch, 0)
    stream = io.StringIO()
    with Progress("copying", 10, "files", stream) as progress:
        for second in range(1, 8):
            advance(monkeypatch, second)
            progress.add(1)

    assert (
        stream.getvalue()
        == "copying: 10%, 1 files of 10 files\ncopying: 60%, 6 files of 10 files\n"
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (1024, "1.0 KiB"), (5 << 40, "5.0 TiB")],
)
def test_amounts_are_in_binary_units(count: int, said: str) -> None:
    assert amount(count) == said


def test_what_is_invisible_is_written_as_an_escape() -> None:
    assert printable("a\nb\x1b[31m\u202ec é") == "a\\nb\\x1b[31m\\u202ec é"
