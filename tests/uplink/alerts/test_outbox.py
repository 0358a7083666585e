"""The outbox: each message arrives at each address once, whatever ends and whenever."""

from __future__ import annotations

import random

import pytest

from beemon.base.facts import from_json, to_json
from beemon.uplink.destinations.alerts.memory import Memory
from beemon.uplink.destinations.alerts.outbox import Outbox
from beemon.uplink.destinations.alerts.seen import Message
from beemon.uplink.destinations.alerts.sending import Address, Result, Sent

HOME, WORK = Address("ntfy://home"), Address("ntfy://work")
MINUTE_US = 60_000_000


class Killed(BaseException):
    """The process ends here."""


class Post:
    """The far end: it keeps what arrived, and answers as the test says."""

    def __init__(self):
        self.disk = to_json(Memory())
        self.memory = Memory()
        self.arrived = []
        self.acknowledged = []
        self.answers = {}
        self.outbox = None
        self.steps, self.dies_at = 0, None
        self.start()

    def start(self):
        self.memory = from_json(Memory, self.disk)
        self.outbox = Outbox(self.memory, self.send, self.save)

    def step(self):
        self.steps += 1
        if self.steps == self.dies_at:
            raise Killed

    def save(self):
        self.step()
        self.disk = to_json(self.memory)
        self.step()

    def send(self, address, title, body):
        self.step()
        answer = self.answers.get(address.url, Result.DELIVERED)
        if answer is not Result.REFUSED:
            self.arrived.append((address.url, title))
        self.step()
        if answer is Result.DELIVERED:
            self.acknowledged.append((address.url, title))
        return Sent(answer, "" if answer is Result.DELIVERED else "trouble")

    def add(self, word, key="cold"):
        number = self.memory.number
        self.outbox.add(Message(key, key, word, f"{word} {number}", "text", 0))
        self.disk = to_json(self.memory)

    def work(self, minutes=0, addresses=(HOME, WORK)):
        self.memory.steady_us += minutes * MINUTE_US
        self.outbox.work(addresses)

    def at(self, address):
        return [title.split()[0] for url, title in self.arrived if url == address.url]


@pytest.fixture
def post():
    return Post()


def test_a_message_goes_to_each_address_once(post):
    post.add("opened")
    for _ in range(3):
        post.work(10)
    assert post.at(HOME) == post.at(WORK) == ["opened"]
    assert post.memory.letters == {}
    assert post.memory.log == ("alerted cold opened delivered",) * 2


def test_a_refused_message_is_tried_again_where_it_was_refused_alone(post):
    post.answers[WORK.url] = Result.REFUSED
    post.add("opened")
    post.work()
    assert post.outbox.trouble == "trouble"
    post.answers.clear()
    post.work(2)
    assert post.at(HOME) == post.at(WORK) == ["opened"]
    assert post.memory.log == (
        "alerted cold opened delivered", "alerted cold opened refused",
        "alerted cold opened delivered",
    )


def test_a_time_out_is_tried_once_more_after_a_pause(post):
    post.answers[HOME.url] = Result.UNKNOWN
    post.add("opened")
    post.work()
    post.work(4)
    assert post.at(HOME) == ["opened"]
    for _ in range(20):
        post.work(60)
    assert post.at(HOME) == ["opened", "opened"]
    assert post.memory.log.count("alerted cold opened unknown") == 2


def test_a_message_that_is_refused_after_a_time_out_has_no_third_attempt(post):
    post.answers[HOME.url] = Result.UNKNOWN
    post.add("opened")
    post.work()
    post.answers[HOME.url] = Result.REFUSED
    post.work(6)
    post.answers.clear()
    for _ in range(20):
        post.work(60)
    assert post.at(HOME) == ["opened"]


def test_a_refused_message_is_given_up_after_a_day(post):
    post.answers = {HOME.url: Result.REFUSED, WORK.url: Result.REFUSED}
    post.add("opened")
    for _ in range(30):
        post.work(60)
    assert post.memory.letters == {}


def test_who_was_not_told_of_an_opening_is_not_told_of_its_end(post):
    post.answers[WORK.url] = Result.REFUSED
    post.add("opened")
    post.work()
    post.add("closed")
    post.answers.clear()
    post.work(60)
    assert post.at(HOME) == ["opened", "closed"]
    assert post.at(WORK) == []


def test_an_opening_that_nobody_got_has_no_end(post):
    post.add("opened")
    post.add("closed")
    post.work()
    assert post.arrived == []
    assert post.memory.letters == {}


def test_who_was_not_told_of_an_end_is_not_told_of_the_next_opening(post):
    post.add("opened")
    post.work()
    post.answers[WORK.url] = Result.REFUSED
    post.add("closed")
    post.work()
    post.answers.clear()
    post.add("opened")
    post.work(60)
    post.add("closed")
    post.work(1)
    assert post.at(HOME) == ["opened", "closed", "opened", "closed"]
    assert post.at(WORK) == ["opened", "closed"]


def test_an_address_that_was_taken_out_holds_nothing_up(post):
    post.answers[WORK.url] = Result.REFUSED
    post.add("opened")
    post.work()
    post.work(1, [HOME])
    assert post.memory.letters == {}


def test_the_next_attempt_has_its_time(post):
    assert post.outbox.next_us() is None
    post.answers[HOME.url] = Result.UNKNOWN
    post.add("opened")
    post.work()
    assert post.outbox.next_us() == post.memory.steady_us + 5 * MINUTE_US


@pytest.mark.parametrize("moment", range(1, 14))
def test_a_kill_at_any_moment_sends_nothing_more_than_twice_and_forgets_nothing(post, moment):
    post.add("opened")
    post.dies_at = moment
    try:
        post.work()
    except Killed:
        post.start()
    post.dies_at = None
    for _ in range(5):
        post.work(10)
    for address in (HOME, WORK):
        assert 1 <= len(post.at(address)) <= 2
    assert len(post.arrived) <= 3, "one kill repeats one attempt at most"
    results = [entry.split()[-1] for entry in post.memory.log]
    assert results.count("unknown") == (1 if len(post.memory.log) == 3 else 0)


@pytest.mark.parametrize("seed", range(100))
def test_random_histories_repeat_only_what_was_unknown(post, seed):
    """A model: what was acknowledged is not sent again, and what was unknown once at most."""
    chance = random.Random(seed)
    is_open, kills = False, 0
    for _ in range(60):
        post.answers = {
            address.url: chance.choice((Result.DELIVERED, Result.DELIVERED, Result.REFUSED,
                                        Result.UNKNOWN)) for address in (HOME, WORK)
        }
        if chance.random() < 0.3:
            is_open = not is_open
            post.add("opened" if is_open else "closed")
        post.dies_at = post.steps + chance.randrange(1, 8) if chance.random() < 0.3 else None
        before = len(post.arrived)
        known, post.acknowledged = {*post.acknowledged}, []
        try:
            post.work(chance.choice((0, 1, 6, 60)))
        except Killed:
            post.dies_at, post.acknowledged, kills = None, [], kills + 1
            post.start()
        assert not known & {*post.arrived[before:]}
        post.acknowledged += known
    assert all(post.arrived.count(one) <= 2 for one in post.arrived)
    assert kills, "this history has no kill: it shows little"


@pytest.mark.parametrize("number", [-1, 5, 10**40])
def test_a_damaged_number_of_a_message_keeps_no_other_from_its_way(number):
    post = Post()
    post.add("opened")
    [place] = post.memory.letters
    post.disk = to_json(post.memory)
    post.disk["letters"][place]["number"] = number
    post.start()
    post.outbox.work([HOME])
    assert post.memory.letters == {}
    assert [url for url, _ in post.arrived] == [HOME.url]
