"""What every driver of a kind must do, whatever it drives.

The test file of a driver makes a class of one of these, with a fixture ``device`` that gives a
device which can be opened and is not yet open. What it gives must hear, see or feel something.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time

import pytest

from beemon.base.clock import Quality
from beemon.base.facts import to_json
from beemon.base.recording import recording_facts
from beemon.checks.examine import examine
from beemon.devices._base import DeviceError, Measurement


class DeviceContract:
    """Opens and closes."""

    @pytest.fixture
    def opened(self, device):
        device.open()
        yield device
        device.close()

    def test_it_can_be_closed_at_any_time(self, device):
        device.close()
        device.open()
        device.close()
        device.close()


    def test_what_can_be_opened_is_not_absent(self, device):
        assert device.absent() is None
        device.open()
        assert device.absent() is None
        device.close()


class SensorContract(DeviceContract):
    """Gives measurements."""

    def test_it_measures(self, opened):
        measured = opened.read()
        assert measured
        assert all(isinstance(each, Measurement) for each in measured)

    def test_it_measures_each_quantity_once_and_the_same_ones_every_time(self, opened):
        quantities = [each.quantity for each in opened.read()]
        assert len(set(quantities)) == len(quantities)
        assert [each.quantity for each in opened.read()] == quantities

    def test_quantities_are_plain_words(self, opened):
        for each in opened.read():
            assert each.quantity.isidentifier()
            assert each.quantity == each.quantity.lower()

    def test_it_can_be_opened_again(self, device):
        for _ in range(2):
            device.open()
            assert device.read()
            device.close()


class OutputContract(DeviceContract):
    """Is on or off, and returns to its safe state. The test class adds ``is_on``."""

    def test_it_is_opened_in_its_safe_state_and_says_so(self, device):
        said = []
        device.changed = lambda on, seconds: said.append((on, seconds))
        device.open()
        assert self.is_on(device) is False
        assert said == [(False, None)]
        device.close()

    def test_it_is_switched_and_says_so(self, opened):
        said = []
        opened.changed = lambda on, seconds: said.append((on, seconds))
        assert opened.turn(on=True) is None
        assert self.is_on(opened)
        opened.turn(on=False)
        assert not self.is_on(opened)
        assert said == [(True, None), (False, None)]

    def test_it_returns_when_its_seconds_are_over(self, opened):
        returned = threading.Event()
        opened.turn(on=True, seconds=0.05)
        opened.changed = lambda on, _: on or returned.set()
        assert returned.wait(5)
        assert not self.is_on(opened)

    def test_switched_again_it_stays_as_long_as_it_was_told_last(self, opened):
        returned = threading.Event()
        opened.changed = lambda on, _: on or returned.set()
        opened.turn(on=True, seconds=0.05)
        opened.turn(on=True)
        assert not returned.wait(0.2)
        assert self.is_on(opened)

    def test_the_safe_state_has_no_end(self, opened):
        assert opened.turn(on=False, seconds=60) is None

    def test_no_command_lasts_longer_than_the_longest(self, device):
        device.settings = dataclasses.replace(device.settings, longest=30.0)
        device.open()
        assert device.turn(on=True) == 30.0
        assert device.turn(on=True, seconds=10.0) == 10.0
        assert device.turn(on=True, seconds=60.0) == 30.0
        device.close()

    def test_one_that_is_not_open_says_so(self, device):
        with pytest.raises(DeviceError, match="not open"):
            device.turn(on=True)

    def test_it_can_be_opened_again(self, device):
        for _ in range(2):
            device.open()
            device.turn(on=True)
            device.close()


class RecorderContract(DeviceContract):
    """Makes recordings that hold what they state."""

    def test_a_recording_holds_what_it_states(self, opened, tmp_path):
        facts = self.record(opened, tmp_path / "recording.part", 1.5)
        assert facts.seconds == pytest.approx(1.5, abs=0.1)
        assert examine(tmp_path / "recording.part", facts).findings == []

    def test_facts_can_be_kept_as_json(self, opened, tmp_path):
        facts = self.record(opened, tmp_path / "a", 0.5)
        assert recording_facts(json.loads(json.dumps(to_json(facts)))) == facts

    def test_it_states_when_it_began_by_the_wall_clock(self, opened, tmp_path):
        before = time.time() - 1
        facts = self.record(opened, tmp_path / "a", 0.5)
        assert isinstance(facts.start_utc_us, int)
        assert before < facts.start_utc_us / 1e6 < time.time()
        since_boot = facts.start_utc_us / 1e6 - facts.start_monotonic
        assert since_boot == pytest.approx(time.time() - time.monotonic(), abs=0.1)
        assert facts.clock in list(Quality)

    def test_a_cancelled_recording_is_short_and_whole(self, opened, tmp_path):
        cancelled = threading.Event()
        threading.Timer(0.4, cancelled.set).start()
        facts = self.record(opened, tmp_path / "a", 600, cancelled)
        assert 0 < facts.seconds < 600
        assert examine(tmp_path / "a", facts).findings == []

    def test_a_device_that_is_not_open_says_so(self, device, tmp_path):
        with pytest.raises(DeviceError):
            self.record(device, tmp_path / "a", 1)

    def record(self, device, path, seconds, cancelled=None, *, follows=False):
        return device.record(path, seconds, cancelled or threading.Event(), follows=follows)


    def test_where_it_says_so_recordings_may_overlap(self, opened, tmp_path):
        if not opened.overlaps:
            pytest.skip("it makes one recording at a time")
        facts = {}

        def film(name):
            facts[name] = self.record(opened, tmp_path / name, 1.0)

        films = [threading.Thread(target=film, args=(name,)) for name in "ab"]
        for thread in films:
            thread.start()
        for thread in films:
            thread.join()
        assert [examine(tmp_path / name, facts[name]).findings for name in "ab"] == [[], []]


class MicrophoneContract(RecorderContract):
    """Records sound by sample count."""

    def test_it_has_exactly_the_samples_that_were_asked_for(self, opened, tmp_path):
        facts = self.record(opened, tmp_path / "a", 0.7)
        assert facts.samples == round(0.7 * facts.rate)
        assert facts.lost_samples == 0

    def test_a_recording_that_follows_begins_where_the_other_ended(self, opened, tmp_path):
        first = self.record(opened, tmp_path / "a", 0.5)
        time.sleep(0.15)  # the stream goes on meanwhile
        second = self.record(opened, tmp_path / "b", 0.5, follows=True)
        assert second.first_sample == first.first_sample + first.samples

    def test_the_first_recording_has_nothing_to_follow(self, opened, tmp_path):
        assert self.record(opened, tmp_path / "a", 0.5, follows=True).samples > 0


class CameraContract(RecorderContract):
    """Records video and takes snapshots."""

    def test_a_snapshot_is_a_picture(self, opened, tmp_path):
        facts = opened.snapshot(tmp_path / "picture.part")
        assert examine(tmp_path / "picture.part", facts).findings == []
        assert recording_facts(json.loads(json.dumps(to_json(facts)))) == facts

    def test_a_snapshot_does_not_wait_for_the_recording(self, opened, tmp_path):
        cancelled = threading.Event()
        film = threading.Thread(
            target=self.record, args=(opened, tmp_path / "a", 600, cancelled), daemon=True
        )
        film.start()
        facts = opened.snapshot(tmp_path / "b")
        assert film.is_alive()
        cancelled.set()
        film.join()
        assert examine(tmp_path / "b", facts).findings == []

    def test_a_recording_that_follows_leaves_no_frame_out(self, opened, tmp_path):
        first = self.record(opened, tmp_path / "a", 0.5)
        time.sleep(0.15)  # the stream goes on meanwhile
        second = self.record(opened, tmp_path / "b", 0.5, follows=True)
        assert second.first_frame <= first.first_frame + first.frames

    def test_a_closed_camera_takes_no_snapshot(self, device, tmp_path):
        with pytest.raises(DeviceError):
            device.snapshot(tmp_path / "a")
