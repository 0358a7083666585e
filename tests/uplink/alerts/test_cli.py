"""`beemon alerts`: the rules in words, and a test message."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from beemon.cli.main import main
from tests.hive import Hive, free_port

CONFIG = """
[hive]
name = "apiary-7"
[server]
listening_port = {port}
[web]
public_url = "https://hive.example"
[sensor.scale]
driver = "simulated"
[alerts]
urls_file = "{urls}"
quiet = "22:00-06:30"
digest = "Mon 07:00"
[alerts.rules.light]
reading = "sensor.scale weight"
below = 20000
until = 20500
hold = "10m"
months = [10, 11]
"""


@pytest.fixture
def config(tmp_path, receiver):
    urls = tmp_path / "urls"
    urls.write_text(f"{receiver.url()}\n{receiver.url('ntfy', 'topic')}\n")
    urls.chmod(0o600)
    file = tmp_path / "beemon.toml"
    file.write_text(CONFIG.format(urls=urls, port=free_port()))
    return file


def test_the_rules_are_listed_in_words(config, capsys):
    assert main(["alerts", "--config", str(config)]) == 0
    said, complained = capsys.readouterr()
    assert "sensor.scale weight is below 20000, for 10 min (Oct, Nov)" in said
    assert "no-data      nothing is measured or recorded for 30 min" in said
    assert "Quiet hours: 22:00-06:30." in said
    assert "Weekly message: Mon 07:00." in said
    assert "Messages go to: json, ntfy." in said
    assert "systemctl status beemon" in complained


@pytest.mark.process
def test_the_limits_have_the_units_of_the_readings(tmp_path, config, capsys):
    table = config.read_text().partition("[sensor.scale]")[2]
    hive = Hive(tmp_path, f'[sensor.scale]{table}').start()
    try:
        assert main(["read", "--wait", "--config", str(hive.config)]) == 0
        assert main(["alerts", "--config", str(hive.config)]) == 0
    finally:
        hive.stop()
    said = capsys.readouterr().out
    assert "sensor.scale weight is below 20 kg" in said
    assert "the weight of any sensor falls by 500 g within 6 h" in said


@pytest.mark.process
@pytest.mark.skipif(shutil.which("apprise") is None, reason="sudo apt install apprise")
def test_a_test_message_arrives_at_each_address(config, receiver, capsys):
    assert main(["alerts", "test", "--config", str(config)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "address 1, json: delivered", "address 2, ntfy: delivered"
    ]
    assert receiver.arrived == [(
        "apiary-7: a test",
        "This is a test message. Alerts of this hive arrive here.\nhttps://hive.example",
    )] * 2


@pytest.mark.process
@pytest.mark.skipif(shutil.which("apprise") is None, reason="sudo apt install apprise")
def test_a_test_message_that_is_refused_is_a_failure_with_its_reason(config, receiver, capsys):
    receiver.answers = [404]
    assert main(["alerts", "test", "--config", str(config)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "address 1, json: refused (json refused the message (HTTP status 404))"
    assert said[1] == "address 2, ntfy: delivered"


@pytest.mark.process
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount files")
def test_a_file_that_only_the_uplink_cannot_read_is_found_before_a_message_is_sent(
    tmp_path, config, receiver
):
    (tmp_path / "passwd").write_text("root:x:0:0::/:\nbeemon-uplink:x:4711:4711::/:\n")
    (tmp_path / "group").write_text("root:x:0:\nbeemon:x:4712:\n")
    mounts = "".join(f"mount --bind {tmp_path}/{n} /etc/{n}; " for n in ("passwd", "group"))
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", f'{mounts} exec "$@"', "-", sys.executable, "-m",
         "beemon", "alerts", "test", "--config", str(config)],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 1
    assert f"the unit of the uplink hides {tmp_path}/urls; run: sudo mv" in done.stderr
    assert receiver.arrived == []


def test_the_check_of_the_config_finds_a_file_that_is_missing(tmp_path, config, capsys):
    (tmp_path / "urls").unlink()
    line = config.read_text().splitlines().index(f'urls_file = "{tmp_path}/urls"') + 1
    assert main(["config", "check", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert f'{config}:{line}: "urls_file": {tmp_path}/urls does not exist' in said


def test_without_the_table_the_manual_is_named(config, capsys):
    config.write_text('[hive]\nname = "apiary-7"\n')
    assert main(["alerts", "--config", str(config)]) == 1
    assert "man beemon.toml" in capsys.readouterr().err


def test_the_check_of_the_config_finds_every_mistake_of_the_rules_with_its_line(config, capsys):
    config.write_text(config.read_text() + 'event = "swarm"\n[alerts.rules.b]\nstate = "il"\n'
                      '[alerts.rules.c]\nabsent = "job"\nafter = "1y"\n')
    lines = config.read_text().splitlines()
    assert main(["config", "check", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    for wrong in ('event = "swarm"', 'state = "il"', 'after = "1y"'):
        assert f"{config}:{lines.index(wrong) + 1}: " in said


def test_the_check_of_the_config_finds_a_device_that_is_not_there(config, capsys):
    config.write_text(config.read_text().replace("sensor.scale weight", "sensor.scael weight"))
    assert main(["config", "check", "--config", str(config)]) == 1
    assert 'there is no device "sensor.scael"; did you mean' in capsys.readouterr().err
    assert main(["alerts", "--config", str(config)]) == 0
