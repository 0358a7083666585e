"""Value classes: compared, shown and counted in sets by their fields."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from beemon.base.values import keyword_class, value_class


@value_class
class Bee:
    """A bee."""

    name: str
    grams: float = 0.1


@value_class
class Drone:
    """Another kind, with the same fields."""

    name: str
    grams: float = 0.1


@value_class
class Nothing:
    """Without a field."""


def test_values_are_equal_by_their_fields_and_their_class():
    assert Bee("Maja") == Bee("Maja", 0.1)
    assert Bee("Maja") != Bee("Willi")
    assert Bee("Maja") != Drone("Maja")
    assert Nothing() == Nothing()


def test_equal_values_are_one_member_of_a_set():
    assert len({Bee("Maja"), Bee("Maja"), Bee("Willi"), Drone("Maja")}) == 3


def test_a_field_may_be_left_out():
    @value_class
    class Queen:
        """A queen."""

        name: str
        colour: str = dataclasses.field(default="", compare=False, repr=False)

    assert Queen("Maja", "red") == Queen("Maja", "blue")
    assert repr(Queen("Maja", "red")).endswith("Queen(name='Maja')")


def test_a_value_is_shown_as_it_is_made():
    assert repr(Bee("Maja")) == "Bee(name='Maja', grams=0.1)"


def test_a_value_is_a_dataclass_and_travels_between_processes():
    assert dataclasses.replace(Bee("Maja"), grams=0.2) == Bee("Maja", 0.2)
    assert pickle.loads(pickle.dumps(Bee("Maja"))) == Bee("Maja")


def test_a_value_takes_no_field_that_it_does_not_have():
    with pytest.raises(TypeError, match="unexpected keyword argument 'sting'"):
        Bee("Maja", sting=True)


def test_a_value_is_never_changed():
    bee = Bee("Maja")
    for change in (lambda: setattr(bee, "grams", 0.2), lambda: delattr(bee, "grams")):
        with pytest.raises(dataclasses.FrozenInstanceError, match="grams of Bee"):
            change()
    assert bee == Bee("Maja")


def test_the_fields_of_a_keyword_class_are_given_by_name():
    @keyword_class
    class Hive:
        """A hive."""

        place: str = ""
        bees: list[Bee] = dataclasses.field(default_factory=list)

        def __post_init__(self) -> None:
            if not self.place:
                raise ValueError("a hive stands somewhere")

    assert Hive(place="orchard").bees == []
    assert Hive(place="orchard").bees is not Hive(place="orchard").bees
    with pytest.raises(TypeError, match="positional argument"):
        Hive("orchard")
    with pytest.raises(ValueError, match="somewhere"):
        Hive()


def test_each_class_takes_its_own_fields_and_those_of_its_base():
    @value_class
    class Worker(Bee):
        """A worker."""

        trips: int = 0

    assert Worker("Maja", trips=3) == Worker("Maja", 0.1, 3)
    assert Bee("Maja") == Bee("Maja", 0.1)
