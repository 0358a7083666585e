"""gpiozero's lgpio pins on a machine that is no Raspberry Pi: GPIO n is line n of its chip."""

from __future__ import annotations

from gpiozero.pins.lgpio import LGPIOFactory

A_PI_3 = 0xA02082


class BoardFactory(LGPIOFactory):
    """lgpio as it is; only what the board is called is made up."""

    def __init__(self) -> None:
        super().__init__(chip=0)

    def _get_revision(self) -> int:
        return A_PI_3
