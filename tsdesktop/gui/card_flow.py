"""The graphics card as the window sees it: offered where it is not used, and used once its libraries are here."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.cards.libraries import CardLibraries
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.supervisor import Supervisor
from tsdesktop.gui.telling import Telling
from tsdesktop.jobs.messages import Devices


class CardFlow(QObject):
    """Wires the libraries, the row of devices, the inference process and the dialog; none of these knows the others."""

    def __init__(
        self,
        left: LeftPanel,
        supervisor: Supervisor,
        telling: Telling,
        parent: QWidget,
        libraries: CardLibraries | None = None,
    ) -> None:
        super().__init__(parent)
        self.libraries = libraries or CardLibraries(self)
        self._left, self._supervisor, self._telling, self._window = left, supervisor, telling, parent
        supervisor.devices_found.connect(self._on_devices_found)
        left.device.card_wanted.connect(self.open)
        self.libraries.changed.connect(self._on_changed)
        self.libraries.settled.connect(self._on_settled)
        self.libraries.removed.connect(supervisor.find_devices_anew)

    def open(self) -> None:
        """Opens the dialog, or brings it to the front."""
        from tsdesktop.gui.cards.window import CardDialog

        self.libraries.look()
        dialog = self._window.findChild(CardDialog) or CardDialog(self.libraries, self._window)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def close(self) -> None:
        """Stops what is under way; it goes on when it is wanted again."""
        self.libraries.close()

    def _on_devices_found(self, devices: Devices) -> None:
        """Where no card is used, there may be one that could be; the driver is asked, nobody on the network."""
        if not any(each.name != "cpu" and not each.refused for each in devices.devices):
            self.libraries.look()

    def _on_changed(self) -> None:
        libraries = self.libraries
        if libraries.state in ("offered", "priced"):
            text = self.tr("Use the graphics card…")
        elif libraries.state == "fetching" and libraries.progress is not None and libraries.progress.share is not None:
            percent = int(100 * libraries.progress.share)
            text = self.tr("Downloading for the card: {percent} %…").format(percent=percent)
        elif libraries.state in ("fetching", "trying"):
            text = self.tr("Preparing the card…")
        elif libraries.state == "paused":
            text = self.tr("Download stopped: go on…")
        else:
            text = ""
        # Names of cards are long, and the panel is narrow.
        self._left.device.show_card(text, libraries.card_name)

    def _on_settled(self, works: bool) -> None:
        if works:
            self._telling.done(self.tr("{card} is used from now on.").format(card=self.libraries.card_name))
        else:
            hint = self.tr("Run > Graphics card tells why.")
            self._telling.warning(self.tr("The graphics card does not work with what was fetched."), hint)
        self._supervisor.find_devices_anew()
