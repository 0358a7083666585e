"""When a card took its samples, by files as the kernel writes them (Linux 6.1, snd-aloop)."""

from __future__ import annotations

import pytest

from beemon.devices._base import DeviceError
from beemon.devices.microphones.alsa.capture import refuse_other
from beemon.devices.microphones.alsa.settings import Settings
from beemon.devices.microphones.alsa.stamps import LOOKS, Moment, Params, Stamps, least_late

RATE = 48_000
BEGAN = 7.037786007
STATUS = """\
state: {state}
owner_pid   : {pid}
trigger_time: {began}
tstamp      : 0.000000000
delay       : 6528
avail       : 6528
avail_max   : 13248
-----
hw_ptr      : {frames}
appl_ptr    : 228288
"""


class Card:
    """A stream's file, and a clock that the test sets."""

    def __init__(self, folder):
        self.now = BEGAN
        self._file = folder / "pcm1c/sub0/status"
        self._file.parent.mkdir(parents=True)
        self.folder = folder / "pcm1c"
        self.said = {"state": "RUNNING", "pid": 122, "began": BEGAN}

    def at(self, seconds, *, behind=0.0, **said):
        """So many seconds after it began; its count is behind by some."""
        self.now = BEGAN + seconds
        self.said["frames"] = round((seconds - behind) * RATE)
        self._file.write_text(STATUS.format(**{**self.said, **said}))

    def stamps(self):
        return Stamps(self.folder, 122, RATE, 10.0, lambda: self.now)


@pytest.fixture
def card(tmp_path):
    return Card(tmp_path)


def test_the_kernels_count_tells_when_a_frame_was_taken(card):
    card.at(5.0)
    assert card.stamps().taken(4 * RATE) == pytest.approx(BEGAN + 4.0)


def test_between_two_looks_the_last_one_counts(card):
    stamps = card.stamps()
    card.at(5.0)
    stamps.taken(0)
    card.at(5.05, behind=0.03)
    assert stamps.taken(5 * RATE) == pytest.approx(BEGAN + 5.0)
    card.at(5.2, behind=0.03)
    assert stamps.taken(5 * RATE) == pytest.approx(BEGAN + 5.03)


@pytest.mark.parametrize(
    "said", [{"pid": 123}, {"state": "SETUP"}, {"state": "XRUN"}, {"began": 1_790_000_000.5}]
)
def test_another_ones_stream_or_clock_tells_nothing(card, said):
    card.at(5.0, **said)
    assert card.stamps().taken(0) is None


def test_a_closed_stream_tells_nothing(card):
    card.at(5.0)
    (card.folder / "sub0/status").write_text("closed\n")
    assert card.stamps().taken(0) is None


def test_after_an_overrun_nothing_can_be_told(card):
    stamps = card.stamps()
    card.at(5.0)
    assert stamps.taken(4 * RATE) is not None
    card.at(15.0, began=BEGAN + 14.0, frames=RATE)
    assert stamps.taken(14 * RATE) is None


def test_a_count_that_is_too_far_ahead_is_not_believed(card):
    card.at(15.0)
    assert card.stamps().taken(4 * RATE) is None


def test_of_many_looks_the_least_late_one_counts_and_the_others_tell_the_step(card):
    """A card that counts in steps of 8 ms, looked at every 2 ms."""
    steps = iter(range(LOOKS + 1))

    def tick(_=0.0):
        step = next(steps)
        card.at(5.0 + 0.002 * step, behind=0.002 * (step % 4))

    tick()
    moment = card.stamps().settled(5 * RATE, pause=tick)
    assert moment.at == pytest.approx(BEGAN + 5.0, abs=1e-4)
    assert moment.within == pytest.approx(0.006, abs=1e-4)


def test_a_stream_that_never_ran_is_not_settled(card):
    assert card.stamps().settled(0, pause=lambda _: None) is None


def test_one_look_that_was_held_up_does_not_count():
    assert least_late([3.002, 3.0, 3.9, 3.001, 3.002]) == Moment(3.0, pytest.approx(0.002))


HW_PARAMS = "access: RW_INTERLEAVED\nformat: S16_LE\nsubformat: STD\nchannels: 1\n" \
    "rate: {rate} ({rate}/1)\nperiod_size: 12000\nbuffer_size: 480000\n"


def test_the_kernel_tells_what_a_card_delivers(card):
    card.at(5.0)
    (card.folder / "sub0/hw_params").write_text(HW_PARAMS.format(rate=44100))
    assert card.stamps().params() == Params(44100, 1, "S16_LE")
    (card.folder / "sub0/hw_params").write_text("closed\n")
    assert card.stamps().params() is None


def test_a_card_that_delivers_what_was_not_asked_for_is_refused():
    settings = Settings(name="microphone.a", card="CARD=Device", rate=46000)
    refuse_other(Params(46000, 1, "S16_LE"), settings)
    with pytest.raises(DeviceError, match="delivers 44100 Hz"):
        refuse_other(Params(44100, 1, "S16_LE"), settings)
    with pytest.raises(DeviceError, match="2 channels"):
        refuse_other(Params(46000, 2, "S16_LE"), settings)
