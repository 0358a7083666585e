"""The config: TOML files into settings, or into everything that is wrong with them."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.config import settings as config
from beemon.config.settings import ConfigError, Settings, load
from beemon.devices import settings_for


class Folder:
    """A folder such as /etc/beemon."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main = path / "beemon.toml"

    def write(self, text: str | bytes, name: str = "beemon.toml") -> Folder:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def load(self) -> Settings:
        return load(self.main)

    def error(self) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            load(self.main)
        return caught.value

    def problems(self) -> list[str]:
        """Every problem, with its place relative to the folder."""
        return [str(p).replace(f"{self.path}/", "") for p in self.error().problems]


@pytest.fixture
def etc(tmp_path) -> Folder:
    return Folder(tmp_path / "etc").write("")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """The service's state folder."""
    folder = tmp_path / "state"
    monkeypatch.setenv("STATE_DIRECTORY", str(folder))
    return folder


FULL = """
[hive]
name = "apiary-7"
latitude = 36.21
longitude = -81.67

[server]
host_address = "127.0.0.2"
listening_port = 8081
socket_timeout_seconds = 2.5
receive_size_bytes = 2048
token_file = "/etc/beemon/token"

[archive]
path = "/srv/beemon"

[microphone.brood]
driver = "alsa"
card = "CARD=Device"

[microphone.brood.schedule]
window = ["04:30", "21:00"]
interval = "5m"
duration = "60s"

[camera.entrance]
driver = "simulated"
schedule = { interval = "1h" }

[sensor.system]
driver = "system"
"""


# What a good config says

def test_an_empty_file_is_a_config_with_nothing_but_defaults(etc, state):
    settings = etc.load()
    assert settings == Settings(source=etc.main, files={"beemon.toml": b""})
    assert settings.hive.name == "hive"
    assert settings.server.host_address == "127.0.0.1"
    assert settings.server.listening_port == 8080
    assert settings.archive_path == state


def test_a_full_config_says_everything(etc):
    settings = etc.write(FULL).load()
    assert (settings.hive.name, settings.hive.latitude) == ("apiary-7", 36.21)
    assert dataclasses.astuple(settings.server) == (
        "127.0.0.2", 8081, 2.5, 2048, Path("/etc/beemon/token"),
    )
    assert settings.archive_path == Path("/srv/beemon")
    assert list(settings.devices) == ["camera.entrance", "microphone.brood", "sensor.system"]


def test_a_device_carries_its_table_its_schedule_and_its_lines(etc):
    brood = etc.write(FULL).load().devices["microphone.brood"]
    assert (brood.name, brood.kind) == ("microphone.brood", "microphone")
    assert (brood.table["driver"], brood.table["card"]) == ("alsa", "CARD=Device")
    assert brood.schedule.window == (time(4, 30), time(21))
    assert (brood.schedule.interval, brood.schedule.duration) == (300, 60)
    assert brood.where("card") == f"{etc.main}:19"
    assert brood.where("pcm") == brood.where("") == f"{etc.main}:17"


def test_settings_cannot_be_changed(etc):
    with pytest.raises(dataclasses.FrozenInstanceError):
        etc.load().hive.name = "another"


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbf" + FULL.encode(), FULL.replace("\n", "\r\n").encode()],
    ids=["byte order mark", "CRLF"],
)
def test_editors_of_other_systems_do_no_harm(etc, text):
    settings = etc.write(text).load()
    assert settings.hive.name == "apiary-7"
    assert settings.devices["microphone.brood"].where("card") == f"{etc.main}:19"


def test_the_archive_is_the_state_folder_of_systemd_or_of_the_user(etc, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/beemon:/var/lib/other")
    assert etc.load().archive_path == Path("/var/lib/beemon")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/bee/state")
    assert etc.load().archive_path == Path("/home/bee/state/beemon")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/bee")
    assert etc.load().archive_path == Path("/home/bee/.local/state/beemon")


# conf.d

def test_an_editors_hidden_file_in_conf_d_is_not_read(etc):
    etc.write('[hive]\nname = "one"')
    etc.write("half a li", "conf.d/.10-draft.toml")
    assert etc.load().hive.name == "one"


def test_files_in_conf_d_are_merged_in_the_order_of_their_names(etc):
    etc.write('[hive]\nname = "one"\nlatitude = 1\n[sensor.system]\ndriver = "system"')
    etc.write('[hive]\nname = "three"', "conf.d/20-later.toml")
    etc.write('[hive]\nname = "two"\nlongitude = 2', "conf.d/10-earlier.toml")
    etc.write('[camera.door]\ndriver = "simulated"', "conf.d/30-camera.toml")
    etc.write('[hive]\nname = "never"', "conf.d/40-note.txt")
    settings = etc.load()
    assert (settings.hive.name, settings.hive.latitude, settings.hive.longitude) == ("three", 1, 2)
    assert list(settings.devices) == ["camera.door", "sensor.system"]


def test_a_problem_names_the_file_that_had_the_last_word(etc):
    etc.write("[hive]\nlatitude = 1\nlongitude = 500")
    etc.write("# mine\n[hive]\nlatitude = 100", "conf.d/x.toml")
    assert etc.problems() == [
        'conf.d/x.toml:3: "latitude" must be between -90 and 90, not 100',
        'beemon.toml:3: "longitude" must be between -180 and 180, not 500',
    ]


def test_one_file_that_cannot_be_read_does_not_hide_the_problems_of_another(etc):
    etc.write("[hive]\nname = 3")
    etc.write("=", "conf.d/broken.toml")
    (etc.path / "conf.d/folder.toml").mkdir()
    assert etc.problems() == [
        "conf.d/broken.toml:1: is not TOML: Invalid statement (at line 1, column 1)",
        "conf.d/folder.toml: cannot be read: Is a directory",
        'beemon.toml:2: "name" must be a name for files such as "apiary-7": up to '
        "63 letters, digits, dots, hyphens and underscores, not 3",
    ]


# What is wrong with a file

def test_a_path_that_no_file_can_have_is_refused(etc):
    etc.write('[archive]\npath = "/a\\u0000b"')
    (told,) = etc.problems()
    assert told == 'beemon.toml:2: "path" must be an absolute path, not "/a\\u0000b"'


def test_a_user_without_a_home_is_told_to_set_the_path(etc, monkeypatch):
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(OSError, match=r"set path under \[archive\]"):
        _ = etc.write("").load().archive_path


def test_a_conf_d_that_cannot_be_looked_into_is_told(etc):
    (etc.path / "conf.d").symlink_to("conf.d")
    assert etc.problems() == ["conf.d: cannot be read: Too many levels of symbolic links"]


def test_a_missing_file_is_told(tmp_path):
    folder = Folder(tmp_path)
    assert folder.problems() == ["beemon.toml: cannot be read: No such file or directory"]


@pytest.mark.parametrize("name", ["beemon.toml", "conf.d/x.toml"])
def test_a_fifo_is_not_waited_for(etc, name):
    path = etc.main.parent / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert f"{name}: cannot be read: it is a FIFO, a socket or a device, not a file" in (
        etc.problems()
    )


def test_a_folder_in_its_place_is_told(etc):
    etc.main.unlink()
    etc.main.mkdir()
    assert etc.problems() == ["beemon.toml: cannot be read: Is a directory"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'name = "\xff"',
         r'beemon.toml:1: is not UTF-8: byte 0xFF \("ÿ" in Latin-1\?\); save it as UTF-8'),
        (b'# first\nname = "\xfc"', r"beemon.toml:2: is not UTF-8: byte 0xFC"),
        ('name = "a"'.encode("utf-16"), "beemon.toml:1: is UTF-16; save the file as UTF-8"),
        ("name = “a”".encode(), 'beemon.toml:1: has “ .*; type "'),
        ("[hive]\nname = 'a'\nname = 'b'\n", "beemon.toml:3: is not TOML: .* overwrite a value"),
        ("[hive]\n[hive]\n", r"beemon.toml:2: is not TOML: Cannot declare \('hive',\) twice"),
        ("name: apiary\n", "beemon.toml:1: is not TOML: Expected '=' after a key"),
        ("[hive", "beemon.toml: is not TOML: Expected '\\]' at the end of a table declaration"),
        (b"\0", "beemon.toml:1: contains NUL bytes"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(etc, text, told):
    [problem] = etc.write(text).problems()
    assert re.match(told, problem)


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 5000])
def test_endless_digits_or_brackets_are_a_problem_and_no_crash(etc, text):
    [problem] = etc.write(text).problems()
    assert problem.startswith("beemon.toml: is not TOML: ")


def test_a_very_long_file_is_read_all_the_same(etc):
    etc.write("# a line of words about bees\n" * 40_000 + '[hive]\nname = "far"\nx = 1')
    assert etc.problems() == [
        'beemon.toml:40003: unknown option "x"; '
        "known: empty, latitude, longitude, name, nest, outside"
    ]


def test_a_line_of_the_file_is_a_line_of_the_editor(etc):
    etc.write('# one\u2028still one\x85\n[hive]\nname = 3')
    assert etc.problems()[0].startswith("beemon.toml:3: ")


# What is wrong with an option

def test_every_problem_is_told_at_once_with_its_line_and_what_would_be_right(etc):
    etc.write("""\
colour = "yellow"

[hive]
nmae = "apiary"          # a slip
latitude = "north"

[server]
listening_port = 80800
socket_timeout_seconds = 0
receive_size_bytes = 1e3

[archive]
path = "recordings"

[microphone.brood]
card = "CARD=Device"

[microphone.brood.schedule]
window = ["dawn", "dusk"]
interval = 300
""")
    assert etc.problems() == [
        'beemon.toml:1: unknown table or option "colour"; '
        "known: alerts, archive, beep, camera, hive, influx, microphone, mqtt, output, power, "
        "prometheus, retention, sensor, server, uplink, upload, web",
        'beemon.toml:4: unknown option "nmae"; did you mean "name"?',
        'beemon.toml:5: "latitude" must be a number, not "north"',
        'beemon.toml:8: "listening_port" must be between 1 and 65535, not 80800',
        'beemon.toml:9: "socket_timeout_seconds" must be between 0.1 and 60, not 0',
        'beemon.toml:10: "receive_size_bytes" must be a whole number, not 1000.0',
        'beemon.toml:13: "path" must be an absolute path, not "recordings"',
        'beemon.toml:15: [microphone.brood] needs driver = "…"',
        'beemon.toml:20: "interval" must be a duration such as "90s", "5m" or "1h", not 300',
        'beemon.toml:19: "window" must be two times such as ["06:00", "21:30"] or '
        '["sunrise-30m", "sunset+30m"], not ["dawn", "dusk"]',
    ]


def test_an_unknown_table_gets_the_nearest_known_one(etc):
    etc.write("[sensors.x]\ndriver = 'system'")
    assert etc.problems() == [
        'beemon.toml:1: unknown table or option "sensors"; did you mean "sensor"?'
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hive = 3", "beemon.toml:1: hive must be a table, [hive], not 3"),
        ("[[power]]\nx = 3",
         "beemon.toml: power can be there only once: write [power], not [[power]]"),
        ("sensor = []", "beemon.toml:1: sensor must be a table, [sensor], not []"),
        ("[sensor]\nsystem = 'x'", 'beemon.toml:2: sensor.system must be a table, '
                                   '[sensor.system], not "x"'),
        ("[camera.a]\ndriver = 'simulated'\nschedule = '5m'",
         'beemon.toml:3: camera.a.schedule must be a table, [camera.a.schedule], not "5m"'),
    ],
)
def test_a_value_where_a_table_belongs_is_the_only_problem_told(etc, text, told):
    assert etc.write(text).problems() == [told]


@pytest.mark.parametrize("word", ["Brood", "a.b", "", "-x", "ü", "x" * 32])
def test_a_device_has_a_name_that_files_and_commands_can_bear(etc, word):
    etc.write(f'[sensor."{word}"]\ndriver = "system"')
    [problem] = etc.problems()
    assert f'"{word}" is not a name for a device: use up to 31 small letters' in problem


@pytest.mark.parametrize("name", ["", "../x", "a b", "ü", ".hidden", "x" * 64])
def test_a_hive_has_a_name_that_files_can_bear(etc, name):
    etc.write(f'[hive]\nname = "{name}"')
    assert "up to 63 letters, digits" in etc.problems()[0]


@pytest.mark.parametrize(
    ("device", "schedule", "told"),
    [
        ("sensor", 'interval = "5m"\nduration = "1s"',
         "beemon.toml:5: a sensor's schedule has no duration"),
        ("microphone", 'interval = "5m"',
         "beemon.toml:3: a microphone's schedule needs a duration, such as duration = \"60s\""),
        ("camera", 'interval = "30s"\nduration = "60s"',
         "beemon.toml:3: a duration of 60 s does not fit into an interval of 30 s"),
        ("camera", 'duration = "60s"',
         'beemon.toml:3: option "interval" is missing: the time from one start to the next, such '
         'as "5m"'),
        ("camera", 'interval = "2d"',
         'beemon.toml:4: "interval" must be between 1s and 1d, not "2d"'),
        ("camera", 'interval = "2h"\nduration = "61m"',
         'beemon.toml:5: "duration" must be between 0.1s and 1h, not "61m"'),
        ("camera", 'interval = "2h"\nduration = "0.0000001s"',
         'beemon.toml:5: "duration" must be between 0.1s and 1h, not "0.0000001s"'),
    ],
)
def test_a_schedule_fits_its_device(etc, device, schedule, told):
    etc.write(f'[{device}.x]\ndriver = "simulated"\n[{device}.x.schedule]\n{schedule}')
    assert etc.problems() == [told]


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["[hive]", "[server]", "[[sensor]]", "[sensor.a]", "[camera.b.schedule]", "name = 1", "= ",
     "driver = 'x'", "interval = '1m'", "listening_port = 0x1F", "path = [", "]", "a.b.c = nan"]
), max_size=8).map("\n".join))
def test_any_file_gives_settings_or_problems(tmp_path_factory, text):
    folder = Folder(tmp_path_factory.getbasetemp() / "any").write(
        text.encode("utf-8", "surrogatepass")
    )
    try:
        problems = []
        folder.load()
    except ConfigError as error:
        problems = error.problems
    assert all(str(problem).startswith(str(folder.main)) for problem in problems)


# Who may reach the port

@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "hive.example", "", "127.1"])
def test_an_address_that_others_can_reach_needs_a_token(etc, host):
    etc.write(f'[server]\nhost_address = "{host}"')
    [problem] = etc.problems()
    assert problem.startswith(f'beemon.toml:1: host_address "{host}" can be reached from other')
    assert 'set token_file = "/etc/beemon/token"' in problem
    etc.write(f'[server]\nhost_address = "{host}"\ntoken_file = "/etc/beemon/token"')
    assert etc.load().server.host_address == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_an_address_of_this_machine_alone_needs_none(etc, host):
    assert etc.write(f'[server]\nhost_address = "{host}"').load().server.token_file is None


TOKEN = "correct-horse-bees"


def token_file(folder: Path, content: str | bytes = TOKEN, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_a_token_is_read_from_a_file_that_not_everyone_can_read(tmp_path, mode):
    assert config.read_token(token_file(tmp_path, f"{TOKEN}\n", mode)) == TOKEN


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o606, 0o642])
def test_a_token_that_everyone_can_read_is_refused(tmp_path, mode):
    file = token_file(tmp_path, mode=mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*chmod o= {file}"):
        config.read_token(file)


@pytest.mark.parametrize(
    "content", ["", "short", "x" * 15, "a token with spaces in it", "ünsäglich-geheimes",
                "two-lines-of-it\ntwo-lines-of-it"]
)
def test_a_token_that_is_weak_or_cannot_be_typed_is_refused(tmp_path, content):
    with pytest.raises(ConfigError, match="at least 16 printable ASCII characters"):
        config.read_token(token_file(tmp_path, content))


def test_a_token_that_cannot_be_read_is_a_problem(tmp_path):
    for file in (tmp_path / "none", tmp_path, token_file(tmp_path, b"\xff" * 16)):
        with pytest.raises(ConfigError, match="the token cannot be read"):
            config.read_token(file)


# The last good config

def break_and_fall_back(etc: Folder) -> Settings:
    etc.write("[hive")
    return config.load_last_good(etc.main, etc.error())


def test_the_last_good_config_stands_in_for_a_bad_one(etc):
    good = etc.write(FULL).write("[hive]\nlatitude = 2", "conf.d/x.toml").load()
    config.keep_last_good(good)
    settings = break_and_fall_back(etc)
    assert settings.hive == good.hive
    assert list(settings.devices) == list(good.devices)
    assert "is not TOML" in settings.fallback


def test_a_copy_whose_last_step_a_power_cut_prevented_stands_in_too(etc, tmp_path):
    good = etc.write(FULL).load()
    config.keep_last_good(good)
    kept = config._last_good_folder()
    kept.rename(kept.with_name("last-good.new"))
    assert list(break_and_fall_back(etc).devices) == list(good.devices)


def test_settings_know_where_the_config_is_that_they_stand_in_for(etc):
    good = etc.load()
    assert config.original(good) == etc.main
    config.keep_last_good(good)
    assert config.original(break_and_fall_back(etc)) == etc.main
    assert config.original(Settings()) == Path("/etc/beemon/beemon.toml")


def test_what_is_kept_is_what_runs_and_not_what_the_disk_says_by_now(etc):
    good = etc.write("[hive]\nname = 'runs'").load()
    etc.write("[hive]\nname = 'not yet")
    config.keep_last_good(good)
    assert break_and_fall_back(etc).hive.name == "runs"


def test_a_file_that_has_gone_from_conf_d_goes_from_the_copy(etc):
    etc.write("[hive]\nname = 'override'", "conf.d/x.toml")
    config.keep_last_good(etc.load())
    (etc.path / "conf.d/x.toml").unlink()
    config.keep_last_good(etc.load())
    assert break_and_fall_back(etc).hive.name == "hive"


def test_the_last_good_config_of_another_file_is_not_used(etc, tmp_path):
    config.keep_last_good(etc.load())
    other = Folder(tmp_path / "other").write("[hive")
    error = other.error()
    with pytest.raises(ConfigError) as caught:
        config.load_last_good(other.main, error)
    assert caught.value is error


def test_without_a_last_good_config_the_error_stands(etc):
    with pytest.raises(ConfigError, match="is not TOML"):
        break_and_fall_back(etc)


@pytest.mark.parametrize(("name", "content"), [("source", b"\xff"), ("beemon.toml", b"[hive")])
def test_a_damaged_copy_is_not_used(etc, state, name, content):
    config.keep_last_good(etc.load())
    (state / "last-good" / name).write_bytes(content)
    with pytest.raises(ConfigError, match=str(etc.main)):
        break_and_fall_back(etc)


def test_a_copy_is_written_once_for_each_change(etc, state):
    config.keep_last_good(etc.load())
    before = (state / "last-good").stat().st_ino, (state / "last-good/beemon.toml").stat().st_ino
    config.keep_last_good(etc.load())
    after = (state / "last-good").stat().st_ino, (state / "last-good/beemon.toml").stat().st_ino
    assert before == after
    config.keep_last_good(etc.write("[hive]\nname = 'new'").load())
    assert break_and_fall_back(etc).hive.name == "new"


def test_settings_that_came_from_no_file_or_stand_in_for_it_are_not_kept(etc, state):
    config.keep_last_good(Settings())
    assert not state.exists()
    config.keep_last_good(etc.load())
    fallback = break_and_fall_back(etc)
    (state / "last-good/source").unlink()
    config.keep_last_good(fallback)
    assert not (state / "last-good/source").exists()


def test_a_copy_that_cannot_be_kept_is_told_and_stops_nothing(etc, state, caplog):
    state.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        config.keep_last_good(etc.load())
    assert "no copy of the working config was kept" in caplog.text


BY_SUN = """
[microphone.a]
driver = "simulated"
schedule = { interval = "5m", duration = "60s", window = ["sunrise-30m", "sunset"] }
"""


@pytest.mark.parametrize(("hive", "missing"), [
    ("", "latitude and longitude under [hive] are missing"),
    ("[hive]\nlatitude = 52.5\n", "longitude under [hive] is missing"),
    ("[hive]\nlongitude = 13.4\n", "latitude under [hive] is missing"),
])
def test_a_window_by_the_sun_needs_a_place(etc, hive, missing):
    etc.write(hive + BY_SUN)
    [problem] = etc.problems()
    assert problem.startswith("beemon.toml:")
    assert "a window that follows the sun needs the hive's position: " + missing in problem


def test_a_wrong_place_is_told_once(etc):
    etc.write("[hive]\nlatitude = 91\nlongitude = 13.4\n" + BY_SUN)
    [problem] = etc.problems()
    assert '"latitude" must be between -90 and 90' in problem


def test_a_schedule_by_the_sun_knows_the_hives_place(etc):
    etc.write("[hive]\nlatitude = 52.5\nlongitude = 13.4\n" + BY_SUN)
    schedule = etc.load().devices["microphone.a"].schedule
    assert schedule.place == (52.5, 13.4)
    etc.write(BY_SUN.replace("window", "place"))
    assert 'unknown option "place"' in etc.problems()[0]


# Retention

def load_retention(folder, text, devices='[camera.entrance]\ndriver = "simulated"\n'):
    file = folder / "beemon.toml"
    file.write_text(f"[retention]\n{text}\n{devices}")
    return config.load(file).retention


def test_retention_has_its_defaults(tmp_path):
    assert load_retention(tmp_path, "") == config.RetentionSettings(
        min_free=2e9, min_free_inodes=10_000, order=("camera", "microphone"), keep=1
    )


def test_retention_may_name_devices_and_kinds(tmp_path):
    order = '["camera.entrance", "microphone"]'
    settings = load_retention(tmp_path, f'min_free = "500MB"\norder = {order}\nkeep = 5')
    assert (settings.min_free, settings.keep) == (5e8, 5)
    assert settings.order == ("camera.entrance", "microphone")


@pytest.mark.parametrize(
    ("order", "said"),
    [('["camera", "microfone"]', 'such as ["camera", "microphone.brood"], not of "microfone"'),
     ('["sensor"]', "must be a list of cameras and microphones"), ('"camera"', "must be a list"),
     ('[1]', "must be a list"), ('["camera.Big"]', "must be a list"),
     ('["camera", "camera"]', "must not name anything twice"),
     ('["camera.entrence"]',
      'there is no device "camera.entrence"; did you mean "camera.entrance"?')],
)
def test_an_order_that_means_nothing_is_told(tmp_path, order, said):
    with pytest.raises(ConfigError) as error:
        load_retention(tmp_path, f"order = {order}")
    [problem] = error.value.problems
    assert problem.where.endswith("beemon.toml:2")
    assert said in problem.message


# Weighing

SCALE = '[sensor.scale]\ndriver = "simulated"\n[sensor.air]\ndriver = "simulated"\n'


def test_a_hive_on_a_scale_names_what_explains_its_weight(etc):
    weighing = '[sensor.scale.weighing]\ntemperature = "sensor.air outside_temperature"\n'
    scale = etc.write(SCALE + weighing).load().devices["sensor.scale"]
    assert scale.weighing == config.Weighing(temperature=("sensor.air", "outside_temperature"))
    assert scale.weighing.sensors == {"temperature": "sensor.air"}
    assert settings_for(scale.kind, scale.name, scale.table, scale.where)[1] == []
    alone = etc.write(f"{SCALE}[sensor.scale.weighing]\n").load().devices
    assert (alone["sensor.scale"].weighing, alone["sensor.air"].weighing) == (
        config.Weighing(), None,
    )
    air = etc.write(f'{SCALE}[sensor.scale.weighing]\ntemperature = "sensor.air"\n').load()
    assert air.devices["sensor.scale"].weighing.temperature == ("sensor.air", "temperature")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('rain = "sensor.rian"', 'beemon.toml:6: there is no device "sensor.rian"'),
        ('rain = "camera.a"', 'beemon.toml:6: "rain" must be a sensor such as "sensor.rain", '
                              'not "camera.a"'),
        ('temperature = "sensor.a b c"', 'beemon.toml:6: "temperature" must be a sensor such as'),
        ("lid = 3", 'beemon.toml:6: "lid" must be a sensor'),
        ('wind = "sensor.air"', 'beemon.toml:6: unknown option "wind"'),
    ],
)
def test_what_is_wrong_with_a_weighing_is_told_with_its_line(etc, line, problem):
    [told] = etc.write(f"{SCALE}[sensor.scale.weighing]\n{line}\n").problems()
    assert told.startswith(problem)


# Counting bees

def test_a_camera_may_count_bees(etc):
    plain = '[camera.a]\ndriver = "simulated"\n'
    counts = '[camera.b]\ndriver = "simulated"\ncount_bees = true\nbee_length = 34\n'
    settings = etc.write(plain + counts).load()
    found = [device.counting for device in settings.devices.values()]
    assert found == [config.Counting(), config.Counting(count_bees=True, bee_length=34.0)]
    assert settings.counting_cameras == ["camera.b"]
    camera = settings.devices["camera.b"]
    assert settings_for(camera.kind, camera.name, camera.table, camera.where)[1] == []


@pytest.mark.parametrize(
    ("device", "line", "problem"),
    [
        ("camera.a", 'count_bees = "yes"', '"count_bees" must be true or false'),
        ("camera.a", "bee_length = 1", '"bee_length" must be'),
        ("microphone.a", "count_bees = true",
         'a microphone cannot have the option "count_bees"'),
    ],
)
def test_what_is_wrong_with_counting_is_told_with_its_line(etc, device, line, problem):
    [told] = etc.write(f'[{device}]\ndriver = "simulated"\n{line}\n').problems()
    assert told.startswith(f"beemon.toml:3: {problem}")


@pytest.mark.parametrize(
    ("written", "grams"), [("21 kg", 21_000.0), ("500g", 500.0), ("46 lb", 46 * 453.59237)]
)
def test_the_weight_of_a_hive_without_food_has_its_unit(etc, written, grams):
    assert etc.write(f'[hive]\nempty = "{written}"').load().hive.empty == grams


def test_the_hive_names_its_thermometers(etc):
    hive = etc.write(f'[hive]\nnest = "sensor.air"\noutside = "sensor.air t2"\n{SCALE}').load().hive
    assert (hive.nest, hive.outside) == (("sensor.air", "temperature"), ("sensor.air", "t2"))
    bare = etc.write(SCALE).load().hive
    assert (bare.nest, bare.outside, bare.empty) == (None, None, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('nest = "sensor.brod"', 'there is no device "sensor.brod"'),
        ('outside = "sensor.ar"', 'there is no device "sensor.ar"; did you mean "sensor.air"?'),
        ('outside = "camera.air"', '"outside" must be a sensor such as'),
        ("empty = 21", '"empty" must be a weight with its unit, such as "21 kg" or'),
        ('empty = "0kg"', '"empty" must be a weight with its unit'),
    ],
)
def test_what_is_wrong_with_the_hive_is_told_with_its_line(etc, line, problem):
    [told] = etc.write(f"[hive]\n{line}\n{SCALE}").problems()
    assert told.startswith(f"beemon.toml:2: {problem}")


def test_a_microphone_weighs_nothing(etc):
    etc.write('[microphone.a]\ndriver = "simulated"\n[microphone.a.weighing]\n')
    assert etc.problems() == ["beemon.toml:3: a microphone cannot have a table \"weighing\""]


# What a power cut leaves of a config, at a start

WITH_DEVICES = '[hive]\nname = "apiary-7"\n'
DEVICES = '[sensor.a]\ndriver = "simulated"\n[sensor.b]\ndriver = "simulated"\n'


@pytest.fixture
def ran(etc) -> Folder:
    """A config that ran once: the hive in one file, its devices in another."""
    etc.write(WITH_DEVICES).write(DEVICES, "conf.d/10-devices.toml")
    config.keep_last_good(etc.load())
    return etc


@pytest.mark.parametrize(("name", "left"), [
    ("conf.d/10-devices.toml", b""),
    ("conf.d/10-devices.toml", b"\n  \n"),
    ("conf.d/10-devices.toml", DEVICES.encode()[:31]),  # a good config of one device
    ("beemon.toml", b""),  # the hive would lose its name
])
def test_what_a_power_cut_left_of_a_file_is_a_damaged_config(ran, name, left):
    ran.write(left, name)
    ran.load()  # it is good TOML
    with pytest.raises(ConfigError, match=f"{name}: was cut short.*systemctl reload") as caught:
        config.load_at_start(ran.main)
    assert len(config.load_last_good(ran.main, caught.value).devices) == 2


def test_a_config_whose_devices_are_all_gone_is_damaged_at_a_start(ran):
    (ran.path / "conf.d/10-devices.toml").unlink()
    with pytest.raises(ConfigError, match="no longer names a device"):
        config.load_at_start(ran.main)


@pytest.mark.parametrize("edited", [
    '[sensor.a]\ndriver = "simulated"\n',  # the last table was taken out, in an editor
    '[sensor.c]\ndriver = "simulated"\n',
])
def test_a_config_that_was_edited_is_taken_at_a_start(ran, edited):
    ran.write(edited, "conf.d/10-devices.toml")
    assert len(config.load_at_start(ran.main).devices) == 1


def test_a_first_config_may_have_no_device(etc):
    assert not config.load_at_start(etc.main).devices
    config.keep_last_good(etc.load())
    assert not config.load_at_start(etc.main).devices


def test_a_config_without_devices_that_was_reloaded_is_the_last_good_one(ran):
    ran.write("", "conf.d/10-devices.toml").write("")
    config.keep_last_good(ran.load())
    assert not config.load_at_start(ran.main).devices


def test_of_many_mistakes_each_is_told_with_its_own_line(etc):
    text = "[hive]\n" + "".join(f"option{number} = 1\n" for number in range(20_000))
    problems = etc.write(text).problems()
    assert len(problems) == 20_000
    assert problems[-1].startswith("beemon.toml:20001: ")
