"""The ALSA microphone: on ALSA's own ``file`` plug-in, and on a stand-in for ``arecord``.

The plug-in reads a FIFO that the test feeds with the voice recordings of alsa-utils, so that
everything from ALSA to the FLAC file is real. The stand-in shows what ALSA without a sound card
cannot: overruns, a wrong rate, a card that goes silent.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError, DeviceMissingError, LibraryMissingError
from tests.devices.contracts import MicrophoneContract
from tests.devices.sound_cards import SoundCards
from tests.grounds.sound import VOICES, FakeMicrophone

pytestmark = pytest.mark.process

soundfile = pytest.importorskip("soundfile")

needs_arecord = pytest.mark.skipif(
    not (shutil.which("arecord") and VOICES), reason="needs arecord and its voices (alsa-utils)"
)

OPEN_AND_WAIT = """
import sys, threading
from beemon.devices import load
load("microphone", "microphone.brood", {"driver": "alsa", "pcm": "fakemic"}).open()
print("open", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def fakemic(tmp_path, monkeypatch):
    microphone = FakeMicrophone(tmp_path)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(microphone.config))
    yield microphone
    microphone.stop()


@pytest.fixture
def opened():
    devices = []

    def opener(**options):
        device = load("microphone", "microphone.brood", {"driver": "alsa", **options})
        device.open()
        devices.append(device)
        return device

    yield opener
    for device in devices:
        device.close()


@pytest.fixture
def arecord(tmp_path, monkeypatch):
    """A stand-in for arecord, made of a shell script."""

    def stand_in(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "arecord").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "arecord").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return stand_in


def record(device, path, seconds, *, follows=False, cancelled=None):
    facts = device.record(path, seconds, cancelled or threading.Event(), follows=follows)
    return facts, soundfile.read(str(path), dtype="int16")[0].tobytes()


def children(pid):
    """The processes of the driver below this one; a helper of multiprocessing's is none of them."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    commands = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in listed.split()}
    return [int(child) for child, command in commands.items() if b"arecord" in command]


def running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def sysfs(tmp_path):
    return SoundCards(tmp_path / "sys")


@needs_arecord
@pytest.mark.ground("alsa")
def test_in_real_time_what_was_heard_is_kept_bit_for_bit(fakemic, opened, tmp_path):
    fakemic.start(pace=0.25)
    device = opened(pcm="fakemic")
    before = time.time()
    facts, samples = record(device, tmp_path / "a.flac", 1.25)
    assert facts.samples == 60_000
    assert samples == fakemic.samples(facts)
    assert facts.lost_samples == facts.overruns == 0
    assert facts.seconds == 1.25
    assert before - 0.5 <= facts.start_utc_us / 1e6 <= before + 1.0
    assert time.time() - before >= 0.9


@needs_arecord
@pytest.mark.ground("alsa")
def test_two_recordings_back_to_back_have_no_gap(fakemic, opened, tmp_path):
    fakemic.start(pace=0.05)
    device = opened(pcm="fakemic")
    first, one = record(device, tmp_path / "a.flac", 1.1)
    time.sleep(0.12)  # what arrives meanwhile belongs to the second one
    second, two = record(device, tmp_path / "b.flac", 1.1, follows=True)
    assert second.first_sample == first.first_sample + first.samples
    assert one + two == fakemic.samples(replace(first, samples=105_600))


@needs_arecord
@pytest.mark.ground("alsa")
def test_two_microphones_at_once_each_hear_their_own(fakemic, opened, tmp_path):
    backwards = memoryview(fakemic.source).cast("h")[::-1].tobytes()
    other = FakeMicrophone(tmp_path, "othermic", backwards)
    ears = {"fakemic": fakemic, "othermic": other}
    heard = {}

    def listen(name, device):
        heard[name] = [
            record(device, tmp_path / f"{name}{number}.flac", 0.7, follows=number > 0)
            for number in range(3)
        ]

    for ear in ears.values():
        ear.start(pace=0.25)
    devices = {name: opened(pcm=name) for name in ears}
    threads = [threading.Thread(target=listen, args=both) for both in devices.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.stop()
    spans = []
    for name, ear in ears.items():
        facts = [facts for facts, _ in heard[name]]
        assert [each.lost_samples for each in facts] == [0] * 3
        whole = replace(facts[0], samples=3 * 33_600)
        assert b"".join(samples for _, samples in heard[name]) == ear.samples(whole)
        begin = facts[0].start_monotonic
        spans.append((begin, begin + 2.1))
    assert max(begin for begin, _ in spans) < min(end for _, end in spans)


@needs_arecord
@pytest.mark.ground("alsa")
def test_a_recording_that_does_not_follow_begins_with_the_next_sample(fakemic, opened, tmp_path):
    fakemic.start(pace=0.05)
    device = opened(pcm="fakemic")
    first, _ = record(device, tmp_path / "a.flac", 0.5)
    time.sleep(0.2)
    second, samples = record(device, tmp_path / "b.flac", 0.5)
    assert second.first_sample > first.first_sample + first.samples
    assert samples == fakemic.samples(second)


@needs_arecord
@pytest.mark.ground("alsa")
@pytest.mark.parametrize(("slot", "side"), [("left", 0), ("right", 1)])
def test_of_a_stereo_card_the_microphones_side_is_kept(fakemic, opened, tmp_path, slot, side):
    fakemic.start(pace=0.05, channels=2)
    facts, samples = record(opened(pcm="fakemic", slot=slot), tmp_path / "a.flac", 0.5)
    assert facts.channels == 1
    assert facts.samples == 24_000
    first = 2 * facts.first_sample  # the voices' samples are taken as left, right, left …
    heard = memoryview(fakemic.source).cast("h")[first : first + 48_000]
    assert samples == heard[side::2].tobytes()


@needs_arecord
@pytest.mark.ground("alsa")
def test_cancelled_it_keeps_what_it_has(fakemic, opened, tmp_path):
    fakemic.start(pace=0.05)
    cancelled = threading.Event()
    device = opened(pcm="fakemic")
    threading.Timer(0.3, cancelled.set).start()
    facts, samples = record(device, tmp_path / "a.flac", 60, cancelled=cancelled)
    assert 0 < facts.samples < 60 * 48_000
    assert samples == fakemic.samples(facts)


@needs_arecord
@pytest.mark.ground("alsa")
def test_where_arecord_dies_the_recording_fails_and_its_sound_is_kept(fakemic, opened, tmp_path):
    fakemic.start(pace=0.05)
    device = opened(pcm="fakemic")
    (arecord_pid,) = children(os.getpid())
    threading.Timer(0.3, os.kill, [arecord_pid, signal.SIGKILL]).start()
    with pytest.raises(DeviceError, match="fakemic"):
        record(device, tmp_path / "a.flac", 60)
    kept = soundfile.read(str(tmp_path / "a.flac"), dtype="int16")[0].tobytes()
    assert kept
    assert kept in fakemic.source


@needs_arecord
@pytest.mark.ground("alsa")
def test_a_killed_worker_takes_arecord_with_it(fakemic):
    fakemic.start(pace=0.05)
    worker = subprocess.Popen([sys.executable, "-c", OPEN_AND_WAIT], stdout=subprocess.PIPE)
    with worker:
        assert worker.stdout.readline() == b"open\n"
        (arecord_pid,) = children(worker.pid)
        worker.kill()
    deadline = time.monotonic() + 5
    while running(arecord_pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not running(arecord_pid)


@needs_arecord
@pytest.mark.ground("alsa")
def test_close_ends_arecord_and_the_device_can_be_opened_again(fakemic, opened, tmp_path):
    fakemic.start(pace=0.05)
    device = opened(pcm="fakemic")
    device.close()
    assert children(os.getpid()) == []
    with pytest.raises(DeviceError, match="not open"):
        record(device, tmp_path / "a.flac", 1)


@needs_arecord
@pytest.mark.parametrize("options", [{"card": "CARD=NoSuch"}, {"pcm": "nosuch"}])
def test_a_card_that_is_not_there_is_missing(opened, options):
    with pytest.raises(DeviceMissingError, match=r"audio open error: No such"):
        opened(**options)


@needs_arecord
def test_of_a_card_that_is_not_there_those_that_are_there_are_told(opened, sysfs):
    sysfs.plug(0, "Device_1", "1-1.3")
    with pytest.raises(DeviceMissingError) as raised:
        opened(card="CARD=Device", sysfs=str(sysfs.folder))
    assert str(raised.value).endswith("; there are: CARD=Device_1 at usb-0000:01:00.0-1.3")


def test_at_a_port_without_a_card_it_is_missing_and_others_are_told(opened, sysfs):
    sysfs.plug(0, "Device", "1-1.3")
    with pytest.raises(DeviceMissingError) as raised:
        opened(card="usb-0000:01:00.0-1.2", sysfs=str(sysfs.folder))
    assert str(raised.value) == (
        "no sound card at usb-0000:01:00.0-1.2; there are: CARD=Device at usb-0000:01:00.0-1.3"
    )


def test_a_card_is_found_by_its_port_each_time_the_stream_begins(arecord, opened, sysfs, tmp_path):
    """It is unplugged, and comes back as another card's number and under another card's id."""
    sysfs.plug(0, "Device", "1-1.3")
    sysfs.plug(1, "Device_1", "1-1.2")
    arecord(UNPLUGGED.format(folder=tmp_path, error="No such device"))
    device = opened(card="usb-0000:01:00.0-1.2,DEV=1", sysfs=str(sysfs.folder))
    sysfs.unplug(0)
    sysfs.unplug(1)
    threading.Timer(1.5, sysfs.plug, [0, "Device", "1-1.2"]).start()
    facts, _ = record(device, tmp_path / "a.flac", 5)
    assert facts.replugs == 1
    arguments = (tmp_path / "arguments").read_text().split()
    names = [arguments[place + 1] for place, word in enumerate(arguments) if word == "-D"]
    assert set(names[:1]) == {"hw:CARD=Device_1,DEV=1"}
    assert set(names[1:]) == {"hw:CARD=Device,DEV=1"}


def test_an_overrun_is_a_gap_whose_samples_are_told_by_the_clock(arecord, opened, tmp_path):
    """It loses more than arecord says, which does not count the buffer that it empties."""
    arecord(
        f"date +%s.%N >> {tmp_path}/times\n"
        "for i in $(seq 4); do head -c 24000 /dev/zero; sleep 0.25; done\n"
        'echo "overrun!!! (at least 12.500 ms long)" >&2; sleep 1\n'
        f"date +%s.%N >> {tmp_path}/times\n"
        "for i in $(seq 40); do head -c 24000 /dev/zero | tr '\\0' 2; sleep 0.25; done"
    )
    device = opened(card="CARD=Device")
    facts, samples = record(device, tmp_path / "a.flac", 3)
    assert (facts.overruns, facts.replugs) == (1, 0)
    [gap] = facts.gaps
    assert facts.lost_samples == gap.samples == 3 * 48_000 - facts.samples
    begun, again = seconds_in(tmp_path / "times")
    late = again - begun - 1 - 1  # of a second of sound and one of silence
    assert 0.9 <= gap.samples / 48_000 <= 1.6 + late
    before = gap.at - facts.first_sample
    assert samples == b"\0\0" * before + b"22" * (facts.samples - before)


def test_a_card_that_goes_silent_fails_the_recording(arecord, opened, tmp_path):
    arecord("head -c 24000 /dev/zero; exec sleep 60")
    device = opened(card="CARD=Device", timeout="0.5s")
    with pytest.raises(DeviceError, match=r"no sound arrived for 0\.5 s"):
        record(device, tmp_path / "a.flac", 10)


def test_a_card_that_never_gives_a_sound_does_not_open(arecord, opened):
    arecord("exec sleep 60")
    with pytest.raises(DeviceError, match=r"CARD=Device: no sound within 0\.3 s"):
        opened(card="CARD=Device", timeout="0.3s")


def test_what_arecord_says_in_several_lines_is_told_whole_with_the_remedy(arecord, opened):
    arecord(
        'printf "arecord: set_params:1352: Sample format non available\\n'
        'Available formats:\\n- S24_3LE\\n" >&2; exit 1'
    )
    with pytest.raises(DeviceError, match='S24_3LE; let ALSA convert: pcm = "plughw:CARD=Device"'):
        opened(card="CARD=Device")


def test_a_card_at_another_rate_does_not_open(arecord, opened):
    arecord(
        'echo "Warning: rate is not accurate (requested = 16000Hz, got = 48000Hz)" >&2\n'
        "sleep 0.2; exec cat /dev/zero"
    )
    with pytest.raises(DeviceError, match="records at 48000 Hz, not at 16000 Hz"):
        opened(card="CARD=Device", rate=16000)


UNPLUGGED = """
n=$(cat {folder}/runs 2>/dev/null || echo 0); echo $((n + 1)) > {folder}/runs
echo "$@" >> {folder}/arguments; date +%s.%N >> {folder}/times
if [ $n = 1 ]; then
  echo "arecord: main:831: audio open error: No such file or directory" >&2; exit 1
fi
for i in $(seq 600); do
  head -c 4800 /dev/zero | tr '\\0' "$n"; sleep 0.05
  if [ $n = 0 ] && [ $i = 20 ]; then
    echo "arecord: pcm_read:2221: read error: {error}" >&2; exit 1
  fi
done
"""
"""A card that plays "0" for a second, is unplugged, fails once to open, and then plays "2"."""


def seconds_in(times):
    """The times that a card has noted, in seconds."""
    return [float(line) for line in times.read_text().split()]


@pytest.mark.parametrize("error", ["No such device", "Input/output error"])
def test_a_card_that_is_unplugged_is_waited_for_and_its_gap_is_told(
    arecord, opened, tmp_path, error
):
    arecord(UNPLUGGED.format(folder=tmp_path, error=error))
    device = opened(card="CARD=Device")
    facts, one = record(device, tmp_path / "a.flac", 5)
    assert facts.replugs == 1
    [gap] = facts.gaps
    assert gap.samples == facts.lost_samples == 5 * 48_000 - facts.samples
    begun, _, again = seconds_in(tmp_path / "times")
    late = again - begun - 1 - 2  # of a second of sound and two of waiting
    assert 1.9 <= gap.samples / 48_000 <= 3.5 + late
    assert gap.uncertainty > 0
    before = gap.at - facts.first_sample
    assert one == b"00" * before + b"22" * (facts.samples - before)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments == [arguments[0]] * 3
    after, two = record(device, tmp_path / "b.flac", 0.5, follows=True)
    assert after.first_sample == facts.first_sample + 5 * 48_000
    assert after.lost_samples == after.replugs == 0
    assert after.gaps is None
    assert two == b"22" * 24_000


def test_a_device_can_be_closed_while_its_card_is_away(arecord, opened, tmp_path):
    arecord(
        f"test -e {tmp_path}/gone || head -c 24000 /dev/zero; touch {tmp_path}/gone\n"
        'echo "arecord: pcm_read:2221: read error: No such device" >&2; exit 1'
    )
    device = opened(card="CARD=Device")
    device.close()
    assert children(os.getpid()) == []


def test_arecord_is_asked_for_a_long_buffer_and_for_the_card_by_id(arecord, opened, tmp_path):
    arecord(f'echo "$@" > {tmp_path}/arguments; head -c 24000 /dev/zero; exec sleep 60')
    opened(card="CARD=Device,DEV=1", rate=16000)
    assert (tmp_path / "arguments").read_text().split() == [
        *("-D", "hw:CARD=Device,DEV=1", "-t", "raw", "-f", "S16_LE", "-r", "16000", "-c", "1"),
        *("--buffer-time=10000000", "--period-time=250000"),
    ]


def test_of_an_i2s_microphone_the_upper_24_bits_are_kept(arecord, opened, tmp_path):
    frame = r"\001\002\003\204\000\377\376\175"
    arecord(f"for i in $(seq 2000); do printf '{frame * 50}'; sleep 0.005; done")
    device = opened(card="CARD=Device", format="S32_LE", channels=2, rate=8000)
    facts = device.record(tmp_path / "a.flac", 0.1, threading.Event(), follows=False)
    sound, _ = soundfile.read(str(tmp_path / "a.flac"), dtype="int32", always_2d=True)
    assert facts.samples == len(sound) == 800
    assert sound[0].tobytes() == bytes([0, 2, 3, 0x84, 0, 0xFF, 0xFE, 0x7D])


def test_one_side_of_an_i2s_bus_keeps_its_24_bits(arecord, opened, tmp_path):
    frame = r"\001\002\003\204\000\377\376\175"
    arecord(f"for i in $(seq 2000); do printf '{frame * 50}'; sleep 0.005; done")
    device = opened(card="CARD=Device", format="S32_LE", slot="right", rate=8000)
    facts = device.record(tmp_path / "a.flac", 0.1, threading.Event(), follows=False)
    sound, _ = soundfile.read(str(tmp_path / "a.flac"), dtype="int32", always_2d=True)
    assert facts.samples == len(sound) == 800
    assert sound.tobytes() == bytes([0, 0xFF, 0xFE, 0x7D]) * 800


def test_a_sample_that_arrives_in_two_pieces_is_put_together(arecord, opened, tmp_path):
    arecord(
        "for i in $(seq 1000); do\n"
        r"  for piece in '\001\002\003' '\004\001\002' '\003\004\001' '\002\003\004'; do"
        '\n    printf "$piece"; sleep 0.001\n  done\ndone'
    )
    device = opened(card="CARD=Device", channels=2, rate=4000)
    facts, samples = record(device, tmp_path / "a.flac", 0.025)
    assert samples == bytes([1, 2, 3, 4]) * facts.samples


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"card": "CARD=Device", "pcm": "default"},
        {"card": "hw:1"},
        {"card": "CARD=1"},
        {"card": 1},
        {"card": "usb-0000:01:00.0"},
        {"card": "1-1.2"},
        {"card": "CARD=Device", "rate": 0},
        {"card": "CARD=Device", "slot": "middle"},
        {"card": "CARD=Device", "slot": "left", "channels": 2},
    ],
)
def test_what_cannot_name_a_card_is_refused(options):
    with pytest.raises(ValueError, match=r"card|rate|slot"):
        load("microphone", "microphone.brood", {"driver": "alsa", **options})


def test_without_arecord_the_package_to_install_is_named(monkeypatch, opened):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LibraryMissingError, match="apt install"):
        opened(card="CARD=Device")


def test_without_soundfile_the_package_to_install_is_named(monkeypatch, opened):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(LibraryMissingError, match="apt install python3-soundfile"):
        opened(card="CARD=Device")


@needs_arecord
@pytest.mark.ground("alsa")
class TestContract(MicrophoneContract):
    @pytest.fixture
    def device(self, fakemic):
        fakemic.start(pace=0.05)
        return load("microphone", "microphone.brood", {"driver": "alsa", "pcm": "fakemic"})
