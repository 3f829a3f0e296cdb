"""Runs the Python blocks of README and docs as tests, each page in an empty folder."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser


def _enter_empty_folder(namespace: dict[str, Any]) -> None:
    namespace["_page_folder"], namespace["_page_origin"] = TemporaryDirectory(), Path.cwd()
    os.chdir(namespace["_page_folder"].name)


def _leave_empty_folder(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_page_origin"])
    namespace["_page_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_enter_empty_folder,
    teardown=_leave_empty_folder,
).pytest()
