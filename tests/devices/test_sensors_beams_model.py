"""Who came in and who went out, told from two beams by arithmetic alone."""

from __future__ import annotations

import random

import pytest

from beemon.devices.sensors.beams.passage import INNER, OUTER, Passage, Tally
from tests.devices.walks import IN, OUT, Walks

DEBOUNCE = 0.003
STEP = 0.02


@pytest.fixture
def passage():
    return Passage((False, False), DEBOUNCE, 0.0)


class Bee:
    """Changes beams one after the other, ``STEP`` seconds apart."""

    def __init__(self, passage):
        self.passage = passage
        self.now = 1.0

    def goes(self, text):
        """``O`` and ``I`` break a beam, ``o`` and ``i`` free it."""
        for letter in text:
            self.now += STEP
            beam = OUTER if letter in "Oo" else INNER
            self.passage.edge(beam, letter.isupper(), self.now)
        return self

    def tally(self):
        self.now += STEP
        return self.passage.take(self.now)


@pytest.mark.parametrize(
    ("way", "tally"),
    [
        ("", Tally()),
        ("OIoi", Tally(bees_in=1)),
        ("IOio", Tally(bees_out=1)),
        ("OIoiIOioOIoi", Tally(bees_in=2, bees_out=1)),
        ("OIio", Tally(turned_back=1)),
        ("IOoi", Tally(turned_back=1)),
        ("OIoOio", Tally(turned_back=1, unclear=1)),
        ("Oo", Tally()),
        ("IiOo", Tally()),
        ("OIiIiIoi", Tally(bees_in=1)),
        ("OIoOoi", Tally(bees_in=1)),
        ("OIoOiIoi", Tally(bees_in=1, unclear=1)),
    ],
    ids=[
        "nobody", "in", "out", "in, out, in", "half-way in and back", "half-way out and back",
        "almost in and back, or one in before one that turned",
        "a look in", "a look from each side",
        "in, wavering", "in, a step back", "in, far back, or one close behind another",
    ],
)
def test_the_order_of_the_beams_tells_where_a_bee_went(passage, way, tally):
    assert Bee(passage).goes(way).tally() == tally


def test_a_tally_is_taken_once(passage):
    bee = Bee(passage).goes("OIoi")
    assert bee.tally() == Tally(bees_in=1)
    assert bee.tally() == Tally()


def test_a_bee_on_its_way_is_in_the_tally_of_when_it_arrives(passage):
    bee = Bee(passage).goes("OIo")
    assert bee.tally() == Tally()
    assert bee.goes("i").tally() == Tally(bees_in=1)


def test_what_was_in_the_beams_at_the_beginning_cannot_be_counted():
    bee = Bee(Passage((True, True), DEBOUNCE, 0.0)).goes("oi")
    assert bee.tally() == Tally(unclear=1)
    assert bee.goes("OIoi").tally() == Tally(bees_in=1)


def test_a_change_that_does_not_last_is_bounce(passage):
    for k in range(5):
        passage.edge(OUTER, k % 2 == 0, 1.0 + k * DEBOUNCE / 2)
    passage.settle(1.0 + 2.9 * DEBOUNCE)
    assert passage.broken_since() is None
    passage.settle(1.0 + 3.1 * DEBOUNCE)
    assert passage.broken_since() == pytest.approx(1.0 + 3 * DEBOUNCE)


def test_a_change_that_has_not_lasted_yet_is_in_the_next_tally(passage):
    bee = Bee(passage).goes("OIoi")
    assert passage.take(bee.now + DEBOUNCE / 2) == Tally()
    assert bee.tally() == Tally(bees_in=1)


def test_a_last_edge_that_was_lost_is_made_up_for(passage):
    bee = Bee(passage).goes("OIo")
    passage.resynchronise((False, False), bee.now + 1)
    assert bee.tally() == Tally(bees_in=1, unclear=1)


def test_where_two_edges_were_lost_nobody_knows(passage):
    bee = Bee(passage).goes("OI")
    passage.resynchronise((False, False), bee.now + 1)
    assert bee.tally() == Tally(unclear=1)
    passage.resynchronise((True, True), bee.now + 2)
    assert bee.goes("oi").tally() == Tally(unclear=1)
    assert bee.goes("IOio").tally() == Tally(bees_out=1)


def test_an_edge_that_was_lost_between_two_of_its_kind_makes_a_passage_unclear(passage):
    bee = Bee(passage).goes("OIIoi")
    assert bee.tally() == Tally(bees_in=1, unclear=1)


def test_levels_that_are_as_believed_change_nothing(passage):
    bee = Bee(passage).goes("OI")
    passage.resynchronise((True, True), bee.now + 1)
    assert bee.goes("oi").tally() == Tally(bees_in=1)


def test_it_knows_since_when_a_beam_is_broken(passage):
    bee = Bee(passage).goes("O")
    passage.settle(5.0)
    assert passage.broken_since() == pytest.approx(bee.now + DEBOUNCE)
    bee.now = 6.0
    bee.goes("o")
    passage.settle(7.0)
    assert passage.broken_since() is None


@pytest.mark.parametrize("seed", range(20))
def test_in_random_traffic_every_passage_is_counted_and_none_twice(passage, seed):
    walks = Walks(random.Random(seed), DEBOUNCE)
    counted = Tally()
    for beam, broken, at in walks.edges(1000):
        passage.edge(beam, broken, at)
        if walks.random.random() < 0.01:
            add(counted, passage.take(at))
    add(counted, passage.take(walks.now + 1))
    assert counted == walks.truth
    assert counted.bees_in > 100
    assert counted.bees_out > 100
    assert counted.turned_back > 100


@pytest.mark.parametrize("seed", range(20))
def test_where_edges_are_lost_it_finds_its_way_back_and_invents_no_bee(passage, seed):
    """After each passage, some of whose edges were lost, the levels are read again."""
    walks = Walks(random.Random(seed), DEBOUNCE)
    exact = 0
    for _ in range(500):
        edges = list(walks.one())
        kept = [edge for edge in edges if walks.random.random() > 0.1]
        for edge in kept:
            passage.edge(*edge)
        passage.resynchronise((False, False), walks.now)
        tally, truth = passage.take(walks.now), walks.take()
        assert tally.bees_in + tally.bees_out <= 1
        if kept == edges:
            assert tally == truth
            exact += 1
        elif not tally.unclear:
            assert tally.bees_in <= truth.bees_in
            assert tally.bees_out <= truth.bees_out
    assert exact > 100


def add(total, tally):
    for name, count in vars(tally).items():
        setattr(total, name, getattr(total, name) + count)


def test_walks_go_everywhere():
    walks = Walks(random.Random(0), DEBOUNCE)
    list(walks.edges(1000))
    assert {IN, OUT} <= set(walks.kinds)
