"""Which recordings go for space, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.retention import retention
from beemon.retention.retention import Candidate
from beemon.storage import files
from beemon.storage.files import Place
from tests.kept import Kept

CAMERA, MICROPHONE = "camera.entrance", "microphone.brood"
ORDER = ("camera", "microphone")


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    yield kept
    kept.close()


def numbers(kept, order=ORDER, keep=1):
    found = retention.candidates(kept.ledger.db, order, keep)
    return [candidate.recording for candidate in found]


# The order

def test_uploaded_ones_go_first_then_by_device_then_by_age_then_what_failed(kept):
    kept.add(MICROPHONE)                            # 1
    kept.add(CAMERA)                                # 2
    kept.add(MICROPHONE, uploaded_us=5)             # 3
    kept.add(CAMERA)                                # 4
    kept.add(CAMERA, verdict="failed")              # 5
    kept.add(MICROPHONE)                            # 6
    kept.add(CAMERA, uploaded_us=1)                 # 7
    kept.add(CAMERA), kept.add(MICROPHONE)          # 8 and 9: the newest
    assert numbers(kept) == [3, 7, 2, 4, 1, 6, 5]


def test_devices_that_the_order_does_not_name_go_by_age_together(kept):
    for device in (MICROPHONE, CAMERA, MICROPHONE, CAMERA, CAMERA, MICROPHONE):
        kept.add(device)
    assert numbers(kept, order=()) == [1, 2, 3, 4]
    assert numbers(kept, order=("microphone.brood",)) == [1, 3, 2, 4]


def test_the_newest_of_each_device_stay_uploaded_or_not(kept):
    for device in (CAMERA, CAMERA, CAMERA, MICROPHONE):
        kept.add(device, uploaded_us=1)
    assert numbers(kept) == [1, 2]
    assert numbers(kept, keep=2) == [1]
    assert numbers(kept, keep=3) == []


def test_the_newest_good_one_stays_too_where_later_ones_failed_their_check(kept):
    for verdict in ("good", "good", "failed", "failed"):
        kept.add(CAMERA, verdict=verdict)
    assert numbers(kept) == [1, 3]


def test_a_wrong_clock_makes_nothing_old(kept):
    for start_us in (50, -(10**15), 10**18, 3):
        kept.add(CAMERA, start_us=start_us)
    assert numbers(kept) == [1, 2, 3]


def test_what_is_deleted_already_does_not_go_again(kept):
    for _ in range(3):
        kept.add(CAMERA)
    kept.add(CAMERA, deleting_us=1)
    assert numbers(kept) == [1, 2]


def test_choosing_reads_no_more_than_it_needs(kept):
    for _ in range(500):
        kept.register.accept("record", "test")
    rows = [(job, CAMERA, f"r/{job}", 10**6) for job in range(1, 501)]
    kept.write(lambda ledger: ledger.db.executemany(
        "INSERT INTO recordings (job, device, path, size, sha256, clock, facts)"
        " VALUES (?, ?, ?, ?, '-', 'rtc', '{}')", rows))
    steps = []
    kept.ledger.db.set_progress_handler(lambda: steps.append(1), 100)
    retention.choose(retention.candidates(kept.ledger.db, ORDER, 1), 2e6, 0, lambda _: False)
    assert len(steps) < 10


# How many

def candidate(size, number=1):
    return Candidate(number, CAMERA, f"{number}", size)


def test_as_many_are_chosen_as_give_the_bytes():
    offered = [candidate(10_000, number) for number in range(10)]
    chosen = retention.choose(offered, 24_576, 0, lambda _: False)
    assert [each.recording for each in chosen] == [0, 1]  # each takes three blocks


def test_as_many_are_chosen_as_give_the_inodes():
    offered = [candidate(10**9, number) for number in range(10)]
    assert len(retention.choose(offered, 0, 3, lambda _: False)) == 3


def test_what_is_held_is_left_out():
    offered = [candidate(10_000, number) for number in range(10)]
    chosen = retention.choose(offered, 0, 2, lambda each: each.recording == 0)
    assert [each.recording for each in chosen] == [1, 2]


@given(st.lists(st.integers(0, 10**7)), st.integers(0, 10**8), st.integers(0, 200))
def test_never_more_than_needed_and_never_too_many_at_once(sizes, bytes_wanted, inodes_wanted):
    offered = [candidate(size, number) for number, size in enumerate(sizes)]
    chosen = retention.choose(offered, bytes_wanted, inodes_wanted, lambda _: False)
    assert len(chosen) <= retention.MOST_AT_ONCE
    before_last = chosen[:-1]
    if chosen:
        assert sum(each.size for each in before_last) < bytes_wanted \
            or len(before_last) < inodes_wanted


# Two steps

def chosen(kept):
    return list(retention.candidates(kept.ledger.db, ORDER, 1))


def test_a_deletion_takes_file_and_folder_and_leaves_the_row(kept, tmp_path):
    old = kept.add(CAMERA, day="2026-06-01")
    kept.add(CAMERA, day="2026-06-02")
    victims = chosen(kept)
    kept.write(lambda ledger: retention.begin_deletion(ledger, victims))
    assert retention.half_done(kept.ledger.db) == victims
    assert retention.remove_files(tmp_path, victims) == (victims, None)
    kept.write(lambda ledger: retention.end_deletion(ledger, victims))
    assert not (tmp_path / old).parent.exists()
    assert retention.half_done(kept.ledger.db) == []
    assert kept.rows("SELECT recording FROM recordings WHERE deleted_us IS NULL") == [2]


def test_a_folder_stays_for_a_recording_that_is_about_to_be_begun(kept, tmp_path):
    kept.add(CAMERA, day="2026-06-01")
    kept.add(CAMERA, day="2026-06-02")
    victims = chosen(kept)
    folder = tmp_path / "recordings/2026-06-01"
    job = kept.register.accept("record", "test")
    place = Place(folder / ".x.part", folder / "x")
    kept.write(lambda ledger: ledger.begin(job, CAMERA, place))
    kept.write(lambda ledger: retention.begin_deletion(ledger, victims))
    retention.remove_files(tmp_path, victims)
    kept.write(lambda ledger: retention.end_deletion(ledger, victims))
    assert folder.is_dir()


def test_removing_may_be_repeated(kept, tmp_path):
    kept.add(CAMERA), kept.add(CAMERA)
    victims = chosen(kept)
    assert retention.remove_files(tmp_path, victims) == (victims, None)
    assert retention.remove_files(tmp_path, victims) == (victims, None)


def test_a_file_that_cannot_be_removed_does_not_keep_the_others(kept, tmp_path):
    stuck = kept.add(CAMERA, day="2026-06-01")
    kept.add(CAMERA, day="2026-06-02"), kept.add(CAMERA)
    (tmp_path / stuck).unlink()
    (tmp_path / stuck).mkdir()
    victims = chosen(kept)
    gone, trouble = retention.remove_files(tmp_path, victims)
    assert [each.recording for each in gone] == [2]
    assert isinstance(trouble, OSError)


# Held

def test_a_recording_is_held_for_as_long_as_someone_needs_it(kept, tmp_path):
    path = tmp_path / kept.add(CAMERA, size=5)
    assert not files.is_held(path)
    with files.hold_file(path) as file, files.hold_file(path):
        assert file.read() == bytes(5)
        assert files.is_held(path)
    assert not files.is_held(path)


def test_what_is_not_there_is_not_held(tmp_path):
    assert not files.is_held(tmp_path / "none")
    with pytest.raises(FileNotFoundError), files.hold_file(tmp_path / "none"):
        pass
