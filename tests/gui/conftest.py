"""Every test of the window finds the application as it is at first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from tsdesktop.gui import theme


@pytest.fixture(autouse=True)
def dark_again() -> Iterator[None]:
    """A test that wears the light theme takes it off again."""
    yield
    application = QApplication.instance()
    if isinstance(application, QApplication) and not theme.current().dark:
        theme.wear(application, theme.DARK)
