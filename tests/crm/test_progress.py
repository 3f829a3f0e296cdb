"""How far something is: the same rule for actions and imports."""

import sys

import pytest

from custcrm.actions.progress import show_progress


def test_a_bar_is_drawn_where_somebody_watches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In an interactive session the bar goes to stderr and ends with a line; a log file gets nothing."""
    show_progress(True)(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    show_progress(True)(1_000, 2_000)
    show_progress(True)(2_000, 2_000)
    assert capsys.readouterr().err == f"\r[{'#' * 15}{' ' * 15}] 1,000 of 2,000\r[{'#' * 30}] 2,000 of 2,000\n"


def test_who_asks_for_nothing_sees_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """False shows nothing anywhere, and a function of the caller's is called instead of a bar."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    show_progress(False)(1, 2)
    told: list[tuple[int, int]] = []
    show_progress(lambda done, total: told.append((done, total)))(1, 2)
    assert (told, capsys.readouterr().err) == ([(1, 2)], "")
