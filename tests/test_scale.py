"""Fifty times the files, and no question costs more: counted in steps of SQLite's machine.

Steps, not time: a seek is one step however deep the tree is, and a scan is thousands of them.
`bench/scale.py` measures the time of the same questions, with a million files.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path as DiskPath
from typing import Any

import pytest
import pytest_asyncio

from storage.sqlite.view import SqliteView
from tests.filling import fill, opened
from tests.questions import QUESTIONS, WORKS, Filled, Question, Work
from uploads.ports import View

FEW, MANY = 1_000, 50_000
GROWTH, CONSTANT = 1.3, 50

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(name="stores", scope="module", loop_scope="module")
async def _stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Filled, Filled]]:
    folder: DiskPath = tmp_path_factory.mktemp("scale")
    few, few_blobs = await opened(folder / "few")
    many, many_blobs = await opened(folder / "many")
    await fill(few, FEW, lambda _: None)
    await fill(many, MANY, lambda _: None)
    yield Filled(few, FEW), Filled(many, MANY)
    for part in (few, many, few_blobs, many_blobs):
        await part.close()


def counted(view: View, ask: Callable[[], Any]) -> int:
    """The steps that SQLite's machine takes for it."""
    assert isinstance(view, SqliteView)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    view._connection.set_progress_handler(step, 1)
    try:
        ask()
    finally:
        view._connection.set_progress_handler(None, 1)
    return steps


@pytest.mark.timeout(120)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_costs_the_same_among_few_files_and_among_many(
    stores: tuple[Filled, Filled], question: Question
) -> None:
    few, many = [
        await store.index.read(
            lambda view, store=store: counted(view, lambda: question(store, view))  # type: ignore[misc]
        )
        for store in stores
    ]
    assert 0 < many <= GROWTH * few + CONSTANT, f"{few} steps among few, {many} among many"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("work", WORKS)
async def test_a_claim_or_change_costs_the_same_among_few_files_and_among_many(
    stores: tuple[Filled, Filled], work: Work
) -> None:
    few, many = [
        await store.index.write(
            lambda turn, store=store: counted(turn, lambda: work(store, turn, 0))  # type: ignore[misc]
        )
        for store in stores
    ]
    assert 0 < many <= GROWTH * few + CONSTANT, f"{few} steps among few, {many} among many"
