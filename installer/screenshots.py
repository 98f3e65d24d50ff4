"""Takes the pictures of the window for the documentation, on the bundled phantom. Writes docs/pictures/*.png.

Run it with the environment's Python; where there is no display, put `xvfb-run -a -s "-screen 0 1920x1200x24"` before.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from tsdesktop.core.assets import asset
from tsdesktop.core.settings import Settings
from tsdesktop.gui.dialogs.about import About
from tsdesktop.gui.dialogs.export_dialog import ExportDialog
from tsdesktop.gui.dialogs.self_test import SelfTest
from tsdesktop.gui.networks.window import Networks
from tsdesktop.gui.parts import Popup
from tsdesktop.gui.report import RecentLines
from tsdesktop.gui.start import make_application
from tsdesktop.gui.window import MainWindow, wear_chosen

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
NETWORKS_SIZE = (900, 600)
SIZE = (1280, 800)


class Photographer:
    """Lets events happen until something is to be seen, and keeps it."""

    def __init__(self, application: QApplication, folder: Path) -> None:
        self._application = application
        self._folder = folder

    def wait(self, condition: Callable[[], bool], seconds: float = 300.0) -> None:
        """Until the condition holds. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError("what should be photographed did not come")
            self._application.processEvents()
            time.sleep(0.005)

    def pause(self, seconds: float) -> None:
        """Lets this much time pass."""
        until = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > until)

    def take(self, widget: QWidget, name: str) -> None:
        """Keeps a picture."""
        hide_home(widget)
        self.pause(0.4)
        image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        image.save(str(self._folder / f"{name}.png"), "PNG", 0)  # type: ignore[call-overload]
        sys.stdout.write(f"{name}.png\n")


def main() -> int:
    """Takes all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        os.environ["TSDESKTOP_DATA_DIR"] = data
        application = make_application(["tsdesktop"])
        photographer = Photographer(application, FOLDER)
        for theme in ("dark", "light"):
            settings = Settings(theme="dark" if theme == "dark" else "light", language="en")
            wear_chosen(settings)
            window = MainWindow(settings, RecentLines())
            window.resize(*SIZE)
            window.show()
            if theme == "dark":
                tour(window, photographer)
            else:
                open_and_run(window, photographer)
                photographer.take(window, "light")
            window.runs.mark_saved()
            window.close()
    return 0


def hide_home(widget: QWidget) -> None:
    """Shows a folder of nobody in particular instead of one of this computer."""
    for line in widget.findChildren(QLineEdit):
        if str(Path.home()) in line.text():
            line.setText(line.text().replace(str(Path.home()), "/home/you"))


def open_and_run(window: MainWindow, photographer: Photographer) -> None:
    """Opens the sample, runs its task, and waits for surfaces and numbers."""
    window.open_paths([asset("sample/ct.nii.gz")])
    photographer.wait(lambda: window.session.volume is not None and window.scene is not None)
    photographer.wait(lambda: window.left.choices.devices is not None)
    window.commands.segment()
    photographer.wait(lambda: bool(window.session.statistics) and not window.runs.is_running)
    photographer.wait(lambda: window.scene is not None and window.scene.is_still)
    label_map = window.session.label_map
    if label_map is not None:
        window.session.select(label_map.structure("liver").label, go_there=True)
    photographer.pause(1.5)


def tour(window: MainWindow, photographer: Photographer) -> None:
    """The states a person meets, in their order."""
    photographer.pause(0.5)
    photographer.take(window, "empty")
    open_and_run(window, photographer)
    photographer.take(window, "result")
    window.left.tasks.search.setText("pancreas")
    photographer.take(window.left, "search")
    window.left.tasks.search.clear()
    window.left.open_page(window.left.choices.catalogue.task("total"))
    photographer.pause(0.5)
    page = next(each for each in window.findChildren(Popup) if each.isVisible())
    photographer.take(page, "task")
    page.close()
    window.commands.set_layout_named("3d")
    photographer.pause(2.0)
    photographer.take(window, "3d")
    window.commands.set_layout_named("four")
    export(window, photographer)
    window.left.choices.choose_task(window.left.choices.catalogue.task("total"))
    photographer.pause(0.5)
    photographer.take(window.left, "download")
    window.commands.show_networks()
    networks = next(iter(window.findChildren(Networks)))
    networks.resize(*NETWORKS_SIZE)
    photographer.pause(1.5)
    photographer.take(networks, "networks")
    networks.close()
    print_studio(window, photographer)
    check_and_about(window, photographer)


def export(window: MainWindow, photographer: Photographer) -> None:
    """The export dialog, once it has checked the surfaces that would be written."""
    window.commands.export()
    dialog = next(iter(window.findChildren(ExportDialog)))
    for kind in ("stl", "xlsx"):
        dialog.kinds.boxes[kind].setChecked(True)
    # Another folder would take away what the check has said.
    hide_home(dialog)
    photographer.pause(0.5)
    photographer.wait(lambda: not dialog.is_looking)
    dialog.check()
    photographer.wait(lambda: not dialog.is_writing)
    photographer.pause(0.5)
    photographer.take(dialog, "export")
    dialog.close()


def check_and_about(window: MainWindow, photographer: Photographer) -> None:
    """What the menu Help opens: the check of the installation when it has ended, and the licences."""
    window.self_test.open()
    check = next(iter(window.findChildren(SelfTest)))
    photographer.wait(check.save.isEnabled)
    photographer.take(check, "check")
    check.close()
    window.commands.show_about()
    about = next(iter(window.findChildren(About)))
    about.pages.setCurrentIndex(1)
    photographer.wait(lambda: about.works.count() > 1)
    photographer.take(about, "about")
    about.close()


def print_studio(window: MainWindow, photographer: Photographer) -> None:
    """The pelvis on a base plate, in the print studio."""
    label_map = window.session.label_map
    if label_map is None:
        return
    bones = [each for each in label_map.present if each.name in ("hip_left", "hip_right", "sacrum", "vertebrae_L5")]
    window.studio.open([each.label for each in bones])
    studio = window.studio.studio
    if studio is None:
        return
    studio.resize(*SIZE)
    bench = studio.bench
    bench.change_values("printer", bed="prusa_xl")
    for kind in ("keep-largest", "merge", "struts", "plate"):
        studio.recipe_panel.steps.add_step(kind)
    photographer.wait(lambda: bench.is_current and not bench.is_checking)
    photographer.pause(1.0)
    photographer.wait(lambda: studio.view.is_still)
    photographer.take(studio, "studio")
    studio.close()


if __name__ == "__main__":
    sys.exit(main())
