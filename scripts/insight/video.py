"""The bees in pictures that were counted by hand, and the flights of simulated bees, by H.264."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from beemon.checks.bees import learn_view
from beemon.checks.counting import count_bees
from beemon.checks.picture import Floats, Image, luma, small
from beemon.devices.cameras.simulated.entrance import Entrance, Flyer
from beemon.media.container import opened
from tests.samples import write_video

HIVES = "c14", "c17", "c5"
LEARN_EVERY = 4
"""Every fourth picture is one to learn the view from: 25 of 100, as of a recording."""
WIDTH, HEIGHT, RATE, SECONDS = 640, 480, 15, 30
SEEDS = range(101, 111)
NOISE, FINE = 3.0, 0.005
"""The noise of the simulated sensor (of 255), and the step of the true flights in seconds."""


def report(data: Path, real: Path | None) -> Iterator[str]:
    """The lines of the report."""
    del real
    yield "entrance, counted by hand (davidmigloz/go-bees, GPL-3.0-or-later)"
    for hive in HIVES:
        yield _of_hive(data / "entrance" / hive)
    yield f"flights at the simulated entrance, {WIDTH}x{HEIGHT} at {RATE}/s, {SECONDS} s, H.264"
    yield from _flights()


def _of_hive(folder: Path) -> str:
    with (folder / "counts.csv").open() as file:
        rows = list(csv.DictReader(file))
    pictures = [_picture(folder / row["picture"]) for row in rows]
    there = np.array([int(row["bees"]) for row in rows])
    view = learn_view([small(picture) for picture in pictures[::LEARN_EVERY]])
    begin = time.process_time()
    found = np.array([view.count(view.find_bees(small(picture))) for picture in pictures])
    each = 1000 * (time.process_time() - begin) / len(pictures)
    of_sum = found.sum() / there.sum() - 1
    of_one = abs(found - there).sum() / there.sum()
    return (
        f"  {folder.name:4} {there.mean():5.2f} bees a picture, counted {found.mean():5.2f}: "
        f"the sum {of_sum:+.1%}, a picture {of_one:.1%}, {each:.1f} ms CPU each"
    )


def _picture(path: Path) -> Image:
    with opened(path) as (file, stream):
        return luma(next(file.decode(stream))).copy()


def _flights() -> Iterator[str]:
    true: list[int] = []
    counted: list[int] = []
    with TemporaryDirectory() as folder:
        for seed in SEEDS:
            entrance = Entrance(WIDTH, HEIGHT, seed)
            write_video(Path(folder) / "a.mp4", _film(entrance, seed), RATE)
            begin = time.process_time()
            found = count_bees(Path(folder) / "a.mp4")
            cpu = time.process_time() - begin
            there = _true_flights(entrance.swarm.flyers)
            here = [found.out, found.came] if found else [0, 0]
            true += there
            counted += here
            yield (f"  seed {seed}: out {there[0]}, in {there[1]}; counted out {here[0]}, "
                   f"in {here[1]}; {cpu:.1f} s CPU")
    apart = sum(abs(one - other) for one, other in zip(true, counted, strict=True))
    yield f"  the sum {sum(counted) / sum(true) - 1:+.1%}, a recording {apart / sum(true):.1%}"


def _film(entrance: Entrance, seed: int) -> Iterator[Image]:
    chance = np.random.default_rng(seed)
    for number in range(SECONDS * RATE):
        grain = chance.normal(0, NOISE, (HEIGHT, WIDTH))[..., None]
        noisy: Floats = entrance.picture(number / RATE) + grain
        yield np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _true_flights(flyers: Sequence[Flyer]) -> list[int]:
    """The flights out of the view, and into it."""
    out = came = 0
    for flyer in flyers:
        inside = np.array([_is_inside(flyer, at) for at in np.arange(0, SECONDS, FINE)]).astype(int)
        out += int((np.diff(inside) == -1).sum())
        came += int((np.diff(inside) == 1).sum())
    return [out, came]


def _is_inside(flyer: Flyer, at: float) -> bool:
    across, down = flyer.place(at)
    return flyer.visible(at) and 0 <= across <= 1 and 0 <= down <= 1
