"""Access: the topics that the rules of the broker let the hive write and read.

A broker also acknowledges a message that its rules make it drop; only MQTT 5 and paho 2 show that.
Therefore some messages are read back: these are the echoes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


class Access:
    """The topics that the broker refuses. Its user takes care that one thread at a time uses it.

    ``shows_reasons``: an acknowledgement says whether the message was refused.
    """

    def __init__(
        self, broker: str, echoes: Collection[str], spare: Collection[str], *, shows_reasons: bool
    ) -> None:
        self._broker, self._echoes, self._spare = broker, echoes, spare
        self._shows_reasons = shows_reasons
        self._unheard: dict[str, bytes] = {}
        self._silent: set[str] = set()
        self._refused: dict[str, str] = {}
        self._unreadable: set[str] = set()

    @property
    def problem(self) -> str | None:
        """A topic that is refused, or may be, although the hive needs it; None if all is well."""
        if self._refused:
            return [*self._refused.values()][-1]
        if needed := self._unreadable.difference(self._echoes, self._spare):
            return (f"{self._broker} does not let the hive read the topic {min(needed)}; allow it "
                    "in the broker's access rules, then: sudo systemctl restart beemon-uplink")
        if self.is_unsure:
            return (f"{self._broker} may drop messages on the topic {min(self._mute)}, as none "
                    "comes back; let the hive write and read it in the broker's access rules")
        return None

    @property
    def limit(self) -> str | None:
        """The things that the hive cannot see because it may only write; nothing is lost by it."""
        unseen = []
        if self._silent or not self._unreadable.isdisjoint(self._echoes):
            unseen.append("whether its messages arrive")
        if not self._unreadable.isdisjoint(self._spare):
            unseen.append("when Home Assistant starts")
        if not unseen or self.problem:
            return None
        return (f"the access rules of {self._broker} let the hive only write, so it does not see "
                f"{' or '.join(unseen)}")

    @property
    def is_unsure(self) -> bool:
        """Whether messages may be dropped: none comes back, and answers have no reasons."""
        return bool(self._mute) and not self._shows_reasons

    @property
    def is_proven(self) -> bool:
        """Whether the broker has all that it acknowledged, by its own word or by the echoes."""
        return self.problem is None and (self._shows_reasons or not self._silent)

    @property
    def is_settled(self) -> bool:
        """Whether nothing that could come back is awaited."""
        return self._unheard.keys() <= self._silent | self._refused.keys()

    @property
    def _mute(self) -> set[str]:
        return self._silent - self._unreadable

    def begin(self) -> None:
        """Begin with a new connection; the topics that may not be read stay known."""
        self._refused.clear()
        self._silent &= self._unreadable

    def forget_echoes(self) -> None:
        """Await none of the messages so far: the connection has ended."""
        self._unheard.clear()

    def expect(self, topic: str, payload: bytes) -> None:
        """Await a message that was sent, if it is one of the echoes."""
        if topic in self._echoes:
            self._unheard[topic] = payload

    def hear(self, topic: str, payload: bytes) -> None:
        """Note that a message has come back; one of another is no proof."""
        if payload == self._unheard.get(topic):
            del self._unheard[topic]
            self._silent.discard(topic)

    def end_waiting(self) -> str | None:
        """Take the messages that have not come back as silent; return the refusal of one."""
        refused = [topic for topic in self._unheard if topic in self._refused]
        for topic in refused:
            del self._unheard[topic]
        self._silent.update(self._unheard)
        return self._refused[refused[0]] if refused else None

    def note_answer(self, topic: str, problem: str | None) -> None:
        """Note an acknowledgement, which may say why the message was refused."""
        self._refused.pop(topic, None)
        if problem:
            self._refused[topic] = f"{self._broker} refuses the topic {topic}: {problem}"

    def note_subscription(self, answers: Mapping[str, bool]) -> None:
        """Note for each topic whether it may be read."""
        refused = {topic for topic, is_granted in answers.items() if not is_granted}
        self._unreadable |= refused
        self._silent |= refused.intersection(self._echoes)

    def readable(self, topics: Iterable[str]) -> list[str]:
        """The topics without those that were refused: RabbitMQ would end the connection again."""
        return [topic for topic in topics if topic not in self._unreadable]
