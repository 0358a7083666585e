"""`apt install ./beemon.deb` on Debian 12 and 13, and what comes after it."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from scripts.manual import fill
from tests.grounds.container import RELEASES, Container
from tests.grounds.deadline import until
from tests.grounds.package import Installation, apt, ask, higher_version, install, package
from tests.grounds.tree import PROJECT, bare, tree

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(900)]

@contextmanager
def installed(release: str, recommends: bool) -> Iterator[Installation]:
    with Container(bare(release)) as machine:
        said, seconds = install(machine, recommends)
        machine.shut_down()
        yield Installation(release, said, seconds, (machine.upper, bare(release)))


@pytest.fixture(scope="module", params=RELEASES)
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """With what the package depends on alone."""
    with installed(request.param, recommends=False) as installation:
        yield installation


on_both = pytest.mark.parametrize("installation", ["bookworm", "trixie"], indirect=True)


@pytest.fixture(scope="module", params=RELEASES)
def whole(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """With what it recommends."""
    with installed(request.param, recommends=True) as installation:
        yield installation


@pytest.fixture
def machine(installation: Installation) -> Iterator[Container]:
    """A machine with beemon on it, just booted."""
    with Container(*installation.layers) as booted:
        yield booted


@on_both
def test_apt_installs_it_and_asks_nothing(installation: Installation) -> None:
    assert_quiet(installation)


def assert_quiet(installation: Installation) -> None:
    assert "Setting up beemon" in installation.transcript
    assert not re.search(r"Configuring beemon|\[Y/n\]", installation.transcript)


@on_both
def test_it_is_active_within_five_seconds(installation: Installation) -> None:
    assert installation.seconds_until_active < 5


def test_recommends_are_a_choice(machine: Container) -> None:
    assert machine.run("python3", "-c", "import av", check=False).returncode != 0
    try_simulated_hive(machine)
    assert "apt install python3-av" in machine.run(
        "beemon", "snapshot", "camera.entrance", "--wait", check=False
    ).stdout


def test_with_what_it_recommends_there_are_cameras(whole: Installation) -> None:
    assert_quiet(whole)
    with Container(*whole.layers) as machine:
        try_simulated_hive(machine)
        machine.run("beemon", "snapshot", "camera.entrance", "--wait")
        assert_works_in_the_sandbox(machine)


IDLE = """
import pathlib, time
found = None
while found != [0, 5]:  # SCHED_OTHER and SCHED_IDLE
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("comm").read_text() == "beemon-archive\\n":
                threads = [each.read_text() for each in process.glob("task/*/stat")]
                found = sorted({int(each.rpartition(")")[2].split()[38]) for each in threads})
        except OSError:
            pass  # it has ended
    time.sleep(0.01)
"""
"""Ends when the archive's worker has a thread in idle time."""
COUNTS = """
[camera.counts]
driver = "simulated"
width = 320
height = 240
count_bees = true
"""


def test_bees_are_counted_in_idle_time(whole: Installation) -> None:
    with Container(*whole.layers) as machine:
        machine.put("/etc/beemon/conf.d/counts.toml", COUNTS)
        machine.shell("systemctl reload beemon; touch /run/beemon/clock-is-synchronised")
        machine.run("beemon", "record", "camera.counts", "20", "--wait")
        machine.run("systemctl", "restart", "beemon")
        machine.run("python3", "-c", IDLE, timeout=300)


def try_simulated_hive(machine: Container) -> None:
    """As the first config says."""
    machine.shell("cp /usr/share/doc/beemon/examples/simulated.toml /etc/beemon/conf.d/")
    machine.run("systemctl", "reload", "beemon")
    machine.run("beemon", "record", "microphone.brood", "1", "--wait")


@on_both
def test_setup_makes_a_simulated_hive_and_again_changes_nothing(machine: Container) -> None:
    said = machine.run("beemon", "setup", "--yes", "--simulated").stdout
    for words in ("microphone.brood: 5.0 s, level -", "sensor.scale: weight ",
                  "camera.entrance: failed (missing-library)", "\nThe page of hive:\n  http"):
        assert words in said
    file = "/etc/beemon/conf.d/simulated.toml"
    before = machine.shell(f"stat -c '%U:%G %a %y' {file}")
    assert before.startswith("root:beemon 640 ")
    assert ask(machine, "devices")["devices"].keys() >= {"output.light", "sensor.system"}
    machine.run("systemctl", "stop", "beemon")
    said = machine.run("beemon", "setup", "--yes", "--simulated").stdout
    assert "sensor.brood: humidity " in said  # it started the service
    assert machine.shell(f"stat -c '%U:%G %a %y' {file}") == before


# The doctor

def diagnosed(machine: Container, *words: str) -> list[dict[str, Any]]:
    """The result of each check of the doctor."""
    said = machine.run("beemon", "doctor", "--json", *words, check=False).stdout
    checks: list[dict[str, Any]] = json.loads(said)["checks"]
    return checks


def wrong(machine: Container) -> dict[str, str]:
    """The checks that found no machine in order, and what they found."""
    return {
        check["check"]: finding["what"] for check in diagnosed(machine)
        for finding in check["findings"] if finding["state"] not in ("ok", "skipped")
    }


IN_A_CONTAINER = {"archive_mount": "the archive is on overlay"}
"""What is wrong with a container in which all else is well."""
ANOTHER_ARCHIVE = {"service_troubles"}
"""Tells that the archive is not the one before, which the doctor cannot bring back."""
OF_THE_HOST = {"clock", "battery_clock"}
"""Checks of what a container shares with the machine that it runs on, and cannot mend."""

FAULTS: tuple[dict[str, str], ...] = ({
    "device_access": "gpasswd --delete beemon i2c; touch /dev/i2c-1; chgrp i2c /dev/i2c-1;"
                     " chmod 660 /dev/i2c-1",
    "host_name": "echo apiary-7 >/etc/hostname",
    "page": "systemctl stop beemon-web.socket",
    "reboots": """echo 'Unattended-Upgrade::Automatic-Reboot "true";' >/etc/apt/apt.conf.d/60""",
    "service_socket": "chmod 666 /run/beemon/beemon.sock",
    "time_zone": "ln -sf /usr/share/zoneinfo/Europe/Paris /etc/localtime;"
                 " echo Europe/Rome >/etc/timezone",
    "config_in_force": """
        cd /etc/beemon/conf.d
        echo '[hive' >a.toml
        ! beemon reload --wait
        until beemon status | grep -q a.toml; do :; done
        echo '[sensor.more]\ndriver = "system"' >a.toml""",
    "service_version": r"""
        cd /usr/lib/python3/dist-packages/beemon
        sed 's/^__version__ = .*/__version__ = "9.0"/' __init__.py >/tmp/changed
        touch --reference=__init__.py /tmp/before
        cat /tmp/changed >__init__.py
        touch --reference=/tmp/before __init__.py""",
}, {
    "archive_folder": "chmod 500 /var/lib/beemon",
    "archive_owner": "chown root /var/lib/beemon/ledger.db",
    "config_access": "chmod 666 /etc/beemon/beemon.toml",
    "journal": """
        mkdir -p /etc/systemd/journald.conf.d
        echo '[Journal]\nStorage=volatile' >/etc/systemd/journald.conf.d/a.conf""",
    "reserve": "rm /var/lib/beemon/reserve/0",
    "unit_enabled": "systemctl disable beemon",
    "unit_running": "systemctl stop beemon",
}, {
    "account": "systemctl stop beemon; userdel beemon",
    "packages": "dpkg --unpack /root/beemon.deb; systemctl stop beemon",
}, {
    "unit_start_limit": """
        mkdir /etc/systemd/system/beemon.service.d
        cd /etc/systemd/system/beemon.service.d
        echo '[Unit]\nStartLimitIntervalSec=99\nStartLimitBurst=1' >a.conf
        systemctl daemon-reload
        while systemctl restart beemon; do :; done
        rm a.conf
        systemctl daemon-reload""",
    "unit_enabled": "systemctl mask beemon",
}, {
    "archive_folder": "systemctl stop beemon; rm -r /var/lib/beemon",
    "archive_mount": """
        mkdir /media/disk
        chown beemon /media/disk
        echo /media/disk /var/lib/beemon none bind >>/etc/fstab""",
    "unit_reload": "touch /lib/systemd/system/beemon.service",
})
"""What is broken together."""


@on_both
def test_the_doctor_finds_what_is_broken_and_mends_it(machine: Container) -> None:
    machine.shell("""
        echo hive >/etc/hostname
        echo 127.0.1.1 hive >>/etc/hosts
        echo "echo '[    0.0] Linux, of this container'" >/usr/local/bin/dmesg
        chmod +x /usr/local/bin/dmesg
    """)
    until_it_has_started(machine)
    started = time.monotonic()
    found = wrong(machine)
    assert time.monotonic() - started < 5
    assert without(found, OF_THE_HOST) == IN_A_CONTAINER
    for faults in FAULTS:
        machine.shell("\n".join(f"( {fault} )" for fault in faults.values()))
        mended = diagnosed(machine, "--fix", *sorted(faults))
        assert [one["check"] for one in mended if one.get("fixed")] == sorted(faults), mended
        assert_in_order(diagnosed(machine, *faults))
    groups = machine.shell("useradd anna; SUDO_USER=anna beemon doctor --fix group; id -nG anna")
    assert groups.endswith("\nanna beemon\n")
    until_it_has_started(machine)
    assert without(wrong(machine), OF_THE_HOST | ANOTHER_ARCHIVE) == IN_A_CONTAINER


def assert_in_order(results: list[dict[str, Any]]) -> None:
    left = [one for one in results for finding in one["findings"]
            if finding["state"] != "ok" and finding["what"] not in IN_A_CONTAINER.values()]
    assert not left


def until_it_has_started(machine: Container) -> None:
    until(lambda: re.search(
        "is healthy|is running", machine.run("beemon", "status", check=False).stdout
    ))


def without(found: dict[str, str], checks: set[str]) -> dict[str, str]:
    return {check: what for check, what in found.items() if check not in checks}


def test_setup_without_sudo_says_the_command(machine: Container) -> None:
    refused = machine.run("runuser", "-u", "nobody", "--", "beemon", "setup", check=False)
    assert refused.returncode == 1
    assert refused.stdout == \
        "beemon: you may not write to /etc/beemon/conf.d; type: sudo beemon setup\n"


@on_both
def test_it_is_active_after_a_boot(machine: Container) -> None:
    assert machine.run("systemctl", "is-active", "beemon").stdout == "active\n"


def test_an_operator_asks_for_the_status(machine: Container) -> None:
    assert "state" in machine.run("beemon", "status").stdout


def test_any_client_asks_for_the_status(machine: Container) -> None:
    assert machine.shell("printf status | nc -N 127.0.0.1 8080").startswith("OK {")


def test_it_says_the_version_that_dpkg_says(machine: Container) -> None:
    version = machine.run("dpkg-query", "-W", "-f", "${Version}", "beemon").stdout
    assert machine.run("beemon", "--version").stdout == f"beemon {version}\n"
    assert ask(machine, "version")["version"] == version


@pytest.mark.parametrize("place", ["/srv/usb", "/data"])
def test_the_archive_may_be_a_link_to_another_disk(machine: Container, place: str) -> None:
    machine.shell(f"""
        systemctl stop beemon
        mkdir {place}
        mv /var/lib/beemon {place}/
        ln -s {place}/beemon /var/lib/beemon
        systemctl start beemon
    """)
    machine.run("beemon", "read", "--wait")
    assert machine.shell("readlink /var/lib/beemon") == f"{place}/beemon\n"
    machine.shell(f"""
        systemctl stop beemon
        mv {place} /away
        systemctl start beemon
    """)
    assert "ledger" in {trouble["about"] for trouble in ask(machine, "status")["troubles"]}


def test_the_archive_may_be_where_its_manual_page_says(machine: Container) -> None:
    machine.put("/etc/beemon/conf.d/archive.toml", '[archive]\npath = "/srv/bees"\n')
    machine.shell("""
        install -d -o beemon -g beemon -m 750 /srv/bees
        systemctl restart beemon
    """)
    machine.run("beemon", "read", "--wait")
    machine.run("test", "-s", "/srv/bees/ledger.db")


@pytest.mark.parametrize("place", ["/srv/bees", "/data/bees"])
def test_where_the_archive_cannot_be_written_the_remedy_lets_it(
    machine: Container, place: str
) -> None:
    machine.put("/etc/beemon/conf.d/archive.toml", f'[archive]\npath = "{place}"\n')
    machine.run("systemctl", "restart", "beemon")
    for _ in range(3):
        if not (troubles := ask(machine, "status")["troubles"]):
            break
        command = troubles[0]["remedy"].partition(": ")[2]
        machine.shell(f'sudo() {{ "$@"; }}; {command}')
        until(lambda: ask(machine, "status")["troubles"] != troubles)
    machine.run("beemon", "read", "--wait")
    machine.run("test", "-s", f"{place}/ledger.db")


def test_each_file_that_the_manual_pages_name_is_there(machine: Container) -> None:
    config = fill((PROJECT / "debian/beemon.toml.5").read_text())
    text = ((PROJECT / "debian/beemon.1").read_text() + config).replace("\\-", "-")
    named = set(re.findall(r"/usr/share/[a-z/]+[A-Za-z./-]*[A-Za-z]", text))
    assert len(named) > 4
    machine.run("ls", *sorted(named))


def test_its_exposure_is_at_most_1_3(machine: Container) -> None:
    machine.run("systemd-analyze", "security", "--threshold=13", "beemon.service")


def test_systemd_understands_every_line_of_the_unit(machine: Container) -> None:
    said = machine.run("systemd-analyze", "verify", "--man=no", "beemon.service").stdout
    assert "beemon" not in said


def test_the_service_runs_as_its_own_user_in_the_groups_of_the_devices(machine: Container) -> None:
    groups = machine.run("id", "--name", "--groups", "beemon").stdout.split()
    assert set(groups) == {"beemon", "audio", "gpio", "i2c", "spi", "video"}


def test_a_reload_takes_a_good_config_and_refuses_a_bad_one(machine: Container) -> None:
    machine.put("/etc/beemon/conf.d/more.toml", '[sensor.more]\ndriver = "system"\n')
    machine.run("systemctl", "reload", "beemon")
    assert "sensor.more" in ask(machine, "devices")["devices"]
    assert "MB a day" not in machine.journal("-u", "beemon")
    machine.put("/etc/beemon/conf.d/wrong.toml", "[hive")
    assert machine.run("systemctl", "reload", "beemon", check=False).returncode != 0
    until(lambda: re.search(r"wrong.toml.* is not TOML", machine.journal("-u", "beemon")))
    assert machine.run("systemctl", "is-active", "beemon").stdout == "active\n"


def test_a_config_that_was_edited_survives_an_upgrade(machine: Container, tmp_path: Path) -> None:
    machine.shell("echo '# mine' >> /etc/beemon/beemon.toml")
    machine.put("/root/later.deb", higher_version(package(), tmp_path))
    said = apt(machine, "install ./later.deb")
    assert "+later" in said
    assert machine.shell("tail -1 /etc/beemon/beemon.toml") == "# mine\n"
    assert machine.run("systemctl", "is-active", "beemon").stdout == "active\n"


def test_disabled_stays_disabled(machine: Container) -> None:
    machine.run("systemctl", "disable", "--now", "beemon")
    apt(machine, "install --reinstall ./beemon.deb")
    assert machine.run("systemctl", "is-active", "beemon", check=False).stdout == "inactive\n"


def test_purge_takes_the_config_and_leaves_the_recordings_and_says_so(machine: Container) -> None:
    keep = "/var/lib/beemon/recordings/2026-11-22/hive.flac"
    machine.shell(f"mkdir -p $(dirname {keep}); echo hum > {keep}")
    said = apt(machine, "purge beemon")
    assert "stay in /var/lib/beemon" in said
    assert machine.shell(f"ls -d /etc/beemon 2>/dev/null || cat {keep}") == "hum\n"


def test_purge_says_nothing_where_nothing_was_kept(machine: Container) -> None:
    machine.run("systemctl", "stop", "beemon")
    machine.shell("rm -rf /var/lib/beemon/*")
    said = apt(machine, "purge beemon")
    assert "/var/lib/beemon" not in said
    assert machine.run("ls", "/var/lib/beemon", check=False).returncode != 0


def test_a_config_that_cannot_be_run_keeps_it_down_and_says_so(machine: Container) -> None:
    machine.run("systemctl", "stop", "beemon")
    machine.shell("rm -r /var/lib/beemon/last-good; echo '[hive' >> /etc/beemon/beemon.toml")
    machine.run("systemctl", "start", "beemon", check=False)
    shown = machine.run("systemctl", "show", "beemon", "--property=ExecMainStatus,NRestarts")
    assert shown.stdout == "NRestarts=0\nExecMainStatus=78\n"
    assert "beemon.toml" in machine.journal("-u", "beemon", "-p", "crit")


def test_the_journal_can_be_asked_for_a_device_and_an_outcome(machine: Container) -> None:
    """A device whose library or hardware is absent fails its own job, and says why."""
    config = '[microphone.brood]\ndriver = "alsa"\ncard = "CARD=Absent"\n'
    machine.put("/etc/beemon/conf.d/brood.toml", config)
    machine.run("systemctl", "restart", "beemon")
    number = ask(machine, "record microphone.brood 1")["job"]
    asked = ["-u", "beemon", "DEVICE=microphone.brood", f"JOB={number}", "OUTCOME=failed"]
    said = until(lambda: told(machine, asked))
    assert "missing-device" in said


def told(machine: Container, matches: list[str]) -> str:
    lines = machine.journal(*matches).splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


@pytest.fixture
def job(machine: Container) -> int:
    """The number of a recording of half a minute that is under way."""
    machine.put("/etc/beemon/conf.d/brood.toml", '[microphone.brood]\ndriver = "simulated"\n')
    machine.run("systemctl", "reload", "beemon")
    until(lambda: "microphone.brood" in ask(machine, "devices")["devices"])
    number: int = ask(machine, "record microphone.brood 30")["job"]
    until(lambda: str(number) in ask(machine, "status")["running"])
    return number


def test_an_upgrade_keeps_the_recording_that_runs(
    machine: Container, job: int, tmp_path: Path
) -> None:
    machine.put("/root/later.deb", higher_version(package(), tmp_path))
    apt(machine, "install ./later.deb")
    assert_kept(machine, job)


def test_a_removal_keeps_the_recording_that_runs_and_a_reinstallation_finds_it(
    machine: Container, job: int
) -> None:
    apt(machine, "remove beemon")
    assert machine.run("systemctl", "is-active", "beemon", check=False).stdout == "inactive\n"
    apt(machine, "install ./beemon.deb")
    assert_kept(machine, job)


def test_recordings_outlive_a_purge_and_a_reinstallation_finds_them(
    machine: Container, job: int
) -> None:
    said = apt(machine, "purge beemon")
    assert "stay in /var/lib/beemon" in said
    apt(machine, "install ./beemon.deb")
    assert_kept(machine, job)
    assert machine.run("ls", "/etc/beemon/conf.d").stdout == ""


def assert_kept(machine: Container, job: int) -> None:
    """The job has an outcome, and what was recorded until then is whole and entered."""
    until(lambda: machine.run("beemon", "status", check=False).returncode == 0)
    ended = ask(machine, f"job {job}")
    assert ended["outcome"] in ("done", "interrupted")
    files = machine.shell("find /var/lib/beemon/recordings -type f").split()
    assert [Path(file).name for file in files] == [Path(ended["recording"]).name]
    frames = "import soundfile, sys; print(len(soundfile.read(sys.argv[1])[0]))"
    assert int(machine.run("python3", "-c", frames, files[0]).stdout) > 0


PROBE = """\
    import multiprocessing, os, pathlib, select, signal, subprocess
    import gpiozero, numpy, sdnotify, soundfile
    from systemd import journal
    from beemon.base import tether
    from beemon.system import processes

    def child():
        numpy.ones(3) @ numpy.ones(3)

    def started(*command):
        return tether.start(command, os.environ, subprocess.DEVNULL, subprocess.DEVNULL)

    def starter(pipe):
        pipe.send(started("sleep", "600").pid)
        pipe.recv()
        os.kill(os.getpid(), signal.SIGKILL)

    def refused(action):
        try:
            action()
        except OSError:
            return True

    if __name__ == "__main__":
        state = pathlib.Path(os.environ["STATE_DIRECTORY"])
        spawn = multiprocessing.get_context("spawn")
        process = spawn.Process(target=child)
        process.start(), process.join()
        assert process.exitcode == 0
        assert spawn.Queue(10)
        soundfile.write(state / "probe.flac", numpy.zeros(4800), 48000)
        capture = ["arecord", "-q", "-D", "null", "-d", "1", "-f", "S16_LE", "/dev/null"]
        assert started(*capture).wait() == 0
        ours, theirs = spawn.Pipe()
        spawn.Process(target=starter, args=(theirs,)).start()
        program = os.pidfd_open(ours.recv())
        ours.send("die")
        assert select.select([program], [], [], 60)[0]
        assert processes.run_idle(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
        assert os.nice(10) == 5
        assert refused(lambda: os.nice(-1))
        assert refused(lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)))
        try:
            import av
        except ImportError:
            pass
        else:
            video = av.open(str(state / "probe.mp4"), "w")
            stream = video.add_stream("libx264", rate=10)
            stream.width = stream.height = 64
            frame = av.VideoFrame.from_ndarray(numpy.zeros((64, 64, 3), "uint8"))
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                video.mux(packet)
            video.close()
        assert refused(lambda: pathlib.Path("/usr/probe").touch())
        assert refused(lambda: pathlib.Path("/etc/beemon/probe").touch())
        assert refused(lambda: os.setuid(0))
        assert pathlib.Path.cwd() == pathlib.Path("/run/beemon")
        pathlib.Path("fifo").touch()
        print("all of it works")
"""


@on_both
def test_what_drivers_need_works_in_the_sandbox(machine: Container) -> None:
    assert_works_in_the_sandbox(machine)


def assert_works_in_the_sandbox(machine: Container) -> None:
    """Python's processes, numpy, FLAC, H.264, an arecord that dies with its starter, a lower
    priority; and nothing beyond."""
    machine.put("/usr/local/bin/probe.py", dedent(PROBE))
    unit = machine.run("systemctl", "cat", "beemon").stdout
    probe = re.sub(r"ExecStart=.*", "ExecStart=/usr/bin/python3 /usr/local/bin/probe.py", unit)
    once = probe.replace("Type=notify", "Type=oneshot").replace("Restart=always", "Restart=no")
    machine.run("systemctl", "stop", "beemon")
    machine.put("/run/systemd/system/probe.service", once)
    machine.run("systemctl", "start", "probe", check=False)
    assert "all of it works" in machine.journal("-u", "probe")


LOW_BATTERY = """
[sensor.battery]
driver = "simulated"
quantities = ["temperature"]
schedule = { interval = "1s" }
[microphone.simulated]
driver = "simulated"
schedule = { interval = "5s", duration = "1s" }
[power]
sensor = "sensor.battery"
quantity = "temperature"
hold = "1s"
[power.halt]
below = 90.0
grace = 1.0
"""
FROM_MANUAL = """
cd /usr/share/doc/beemon/examples
apt-get install --yes --no-install-recommends polkitd
install -m 644 beemon-halt.rules /etc/polkit-1/rules.d/50-beemon-halt.rules
sed 's|/sys/class/rtc/rtc0/wakealarm|/root/alarm|' beemon-wake.service \
    >/etc/systemd/system/beemon-wake.service
systemctl enable --now beemon-wake
systemctl reload beemon
"""


def test_at_a_low_battery_it_powers_the_machine_off_if_the_owner_allows_that(
    machine: Container,
) -> None:
    machine.put("/etc/beemon/conf.d/battery.toml", LOW_BATTERY)
    machine.run("systemctl", "reload", "beemon")
    until(lambda: "halt" in {one["about"] for one in ask(machine, "status")["troubles"]})
    machine.run("beemon", "record", "microphone.simulated", "1", "--wait")
    machine.shell(FROM_MANUAL, timeout=120)
    machine.wait_until_off()
    seconds = int((machine.upper / "root/alarm").read_text())
    (machine.upper / "etc/beemon/conf.d/battery.toml").unlink()
    with Container(machine.upper, *machine.layers) as again:
        refused, order = [event["message"] for event in halts(again)]
        assert "not powered off: systemd says: Access denied" in refused
        assert datetime.fromtimestamp(seconds, UTC).isoformat()[:19] in order
        # The boot of a container may have the number of its host's.
        assert ask(again, "status")["start"]["why"] in ("reboot", "stop")
        assert ask(again, "completeness 1d")["adds_up"]
        assert again.shell("ls /run/beemon").count("next-wake") == 0
        again.run("systemctl", "stop", "beemon")
        again.run("beemon", "archive", "check")


def halts(machine: Container) -> list[dict[str, Any]]:
    """The events about powering off, the oldest first."""
    events: list[dict[str, Any]] = ask(machine, "events 1d halt")["events"]
    return sorted(events, key=lambda event: int(event["event"]))


@pytest.mark.parametrize("release", RELEASES)
def test_piuparts_finds_nothing_left_behind(release: str) -> None:
    """Installed, removed and purged without a trace, as Debian's own checker sees it."""
    checker = tree("trixie", ("piuparts", "systemd-sysv", "tzdata"))
    with Container(checker, network=True, binds=[f"{bare(release)}:/base"]) as machine:
        machine.put("/root/beemon.deb", package())
        machine.run(
            *("piuparts", "--distribution", release, "--existing-chroot", "/base"),
            *("--keep-sources-list", "--no-eatmydata", "--warn-on-others", "/root/beemon.deb"),
            timeout=300,
        )


def test_autopkgtest_passes(machine: Container) -> None:
    """debian/tests, run the way Debian's own machines run them."""
    tools = ["autopkgtest", "dpkg-dev"]
    machine.run("apt-get", "install", "-y", "--no-install-recommends", *tools, timeout=300)
    machine.put("/root/source.tar", debian_source())
    machine.run("tar", "-xf", "/root/source.tar", "--one-top-level=/root/source")
    ignored = "--ignore-restrictions=isolation-container"
    said = machine.run(
        *("autopkgtest", ignored, "/root/beemon.deb", "/root/source/", "--", "null"), timeout=300
    ).stdout
    assert re.search(r"^service +PASS", said, re.MULTILINE)


def debian_source() -> bytes:
    """As much of the source as autopkgtest reads, as a tar archive."""
    command = ["tar", "--create", "debian", "systemd"]
    return subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True).stdout
