"""Encoded frames."""

from __future__ import annotations

from beemon.devices.cameras._frames import ParameterSets

SPS, PPS, IDR = b"\x00\x00\x00\x01\x67sps", b"\x00\x00\x01\x68pps", b"\x00\x00\x00\x01\x65picture"


def test_a_key_frame_with_parameter_sets_stays_as_it_is():
    assert ParameterSets().complete(SPS + PPS + IDR) == SPS + PPS + IDR


def test_a_key_frame_without_gets_the_last_ones():
    sets = ParameterSets()
    sets.complete(SPS + PPS + IDR)
    sets.complete(SPS + b"2" + PPS + IDR)
    assert sets.complete(IDR) == SPS + b"2" + b"\x00" + PPS + IDR


def test_what_stands_before_them_does_not_matter():
    delimiter = b"\x00\x00\x00\x01\x09\xf0"
    sets = ParameterSets()
    sets.complete(delimiter + SPS + PPS + IDR)
    assert sets.complete(IDR) == SPS + b"\x00" + PPS + IDR


def test_before_any_were_seen_there_is_nothing_to_add():
    assert ParameterSets().complete(IDR) == IDR
