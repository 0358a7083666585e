"""Outbox: messages on their way, each to each address, so that none arrives twice.

An attempt is written to the disk before it begins, unless the disk is full. A result that is
unknown, by a time-out or a crash, is tried once more after a pause; one that was refused is tried
for a day.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from beemon.base.moments import US_PER_HOUR, US_PER_MINUTE
from beemon.uplink.destinations.alerts.memory import Delivery, Letter, Memory
from beemon.uplink.destinations.alerts.seen import CLOSED, OPENED, Message
from beemon.uplink.destinations.alerts.sending import Address, Result, Sent

PAUSE_US = 5 * US_PER_MINUTE
"""The time before an unknown attempt is repeated."""
OLDEST_US = 24 * US_PER_HOUR
_FIRST_US, _LONGEST_US = US_PER_MINUTE, US_PER_HOUR
_MOST_LOGGED = 200

Send = Callable[[Address, str, str], Sent]
Save = Callable[[], None]
WAITING, SENDING, UNKNOWN, REFUSED, OVER = "waiting", "sending", "unknown", "refused", "over"


class Outbox:
    """The letters of a memory. ``save`` writes the memory to the disk, if that is possible."""

    def __init__(self, memory: Memory, send: Send, save: Save) -> None:
        self._memory = memory
        self._send = send
        self._save = save
        self.trouble: str | None = None
        for letter, delivery in self._deliveries():
            if delivery.state == SENDING:  # there was a crash
                self._be_unknown(letter, delivery)

    def add(self, message: Message) -> None:
        """Put a message in. It cancels its contrary for each address that has not got it yet."""
        knowing = self._cancel(message.key, CLOSED if message.word == OPENED else OPENED)
        memory = self._memory
        letter = Letter(
            memory.number, message.key, message.rule, message.word, message.title, message.body,
            memory.steady_us,
        )
        if message.word == CLOSED:
            letter.to = {mark: Delivery() for mark in memory.told.pop(message.key, ())}
            letter.is_addressed = True
            if not letter.to:
                return
        elif message.word == OPENED and knowing:
            letter.to = {mark: Delivery(OVER) for mark in knowing}
        memory.letters[str(letter.number)] = letter
        memory.number += 1

    def _cancel(self, key: str, word: str) -> list[str]:
        """End the letters of this kind; return the addresses that did not get a closing one."""
        missed = []
        for place, letter in [*self._memory.letters.items()]:
            if (letter.key, letter.word) != (key, word):
                continue
            for mark, delivery in letter.to.items():
                if word == CLOSED and delivery.state in (WAITING, REFUSED):
                    missed.append(mark)
                    self._know(key, mark)
            del self._memory.letters[place]
        return missed

    def _know(self, key: str, mark: str) -> None:
        known = self._memory.told.get(key, ())
        self._memory.told[key] = tuple(dict.fromkeys((*known, mark)))

    def work(self, addresses: Sequence[Address]) -> None:
        """Make the attempts that are due."""
        self._address(addresses)
        by_mark = {address.mark: address for address in addresses}
        for letter, mark in self._due(by_mark):
            self._attempt(letter, by_mark[mark])
        self._clear(by_mark)

    def _address(self, addresses: Sequence[Address]) -> None:
        for letter in self._memory.letters.values():
            if not letter.is_addressed:
                for address in addresses:
                    letter.to.setdefault(address.mark, Delivery())
                letter.is_addressed = True

    def _due(self, known: dict[str, Address]) -> list[tuple[Letter, str]]:
        now_us = self._memory.steady_us
        return [
            (letter, mark) for letter in self._memory.letters.values()
            for mark, delivery in letter.to.items()
            if mark in known and delivery.state != OVER and delivery.next_us <= now_us
        ]

    def _attempt(self, letter: Letter, address: Address) -> None:
        delivery = letter.to[address.mark]
        is_again, delivery.state = delivery.state == REFUSED, SENDING
        delivery.attempts += 1
        if letter.word == OPENED:
            self._know(letter.key, address.mark)
        self._save()
        sent = self._send(address, letter.title, letter.body)
        self.trouble = sent.said or None
        if sent.result is Result.UNKNOWN:
            self._be_unknown(letter, delivery)
        elif sent.result is Result.DELIVERED:
            delivery.state = OVER
            self.log(letter.rule, letter.word, sent.result)
        else:
            self._be_refused(letter, address)
            if not is_again:
                self.log(letter.rule, letter.word, sent.result)
        self._save()

    def _be_unknown(self, letter: Letter, delivery: Delivery) -> None:
        """Try an attempt whose result is unknown once more; after the second one, never."""
        delivery.unknowns += 1
        delivery.state = UNKNOWN if delivery.unknowns < 2 else OVER
        delivery.next_us = self._memory.steady_us + PAUSE_US
        self.log(letter.rule, letter.word, Result.UNKNOWN)

    def _be_refused(self, letter: Letter, address: Address) -> None:
        """Try it again later; but no third time if an earlier attempt may have arrived."""
        delivery = letter.to[address.mark]
        if delivery.unknowns:
            delivery.state = OVER
            return
        if letter.word == OPENED:
            self._forget(letter.key, address.mark)
        wait_us = min(_LONGEST_US, _FIRST_US << min(delivery.attempts - 1, 10))
        delivery.state = REFUSED
        delivery.next_us = self._memory.steady_us + round(
            wait_us * random.uniform(0.5, 1.0)  # noqa: S311
        )

    def _forget(self, key: str, mark: str) -> None:
        left = tuple(each for each in self._memory.told.get(key, ()) if each != mark)
        self._memory.told[key] = left

    def log(self, rule: str, word: str, result: Result) -> None:
        """Note a result for the delivery log of the archive."""
        entry = f"alerted {rule} {word} {result}"
        self._memory.log = (*self._memory.log, entry)[-_MOST_LOGGED:]

    def _clear(self, known: dict[str, Address]) -> None:
        """Remove the letters that are over, too old, or for addresses that are no longer there."""
        oldest_us = self._memory.steady_us - OLDEST_US
        for place, letter in [*self._memory.letters.items()]:
            is_over = all(
                delivery.state == OVER or mark not in known for mark, delivery in letter.to.items()
            )
            if is_over or letter.made_us < oldest_us:
                del self._memory.letters[place]

    def next_us(self) -> int | None:
        """The steady time of the next attempt; None if nothing is on its way."""
        return min(
            (delivery.next_us for _, delivery in self._deliveries() if delivery.state != OVER),
            default=None,
        )

    def _deliveries(self) -> Iterator[tuple[Letter, Delivery]]:
        for letter in self._memory.letters.values():
            for delivery in letter.to.values():
                yield letter, delivery
