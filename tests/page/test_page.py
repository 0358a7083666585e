"""The page in Debian's Chromium, with a real simulated hive of a year behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hive import until

pytest.importorskip("selenium")

from tests.page.browser import Browser
from tests.page.house import DEVICES, LATITUDE, House
from tests.page.site import PASSWORD

pytestmark = [pytest.mark.ground("browser"), pytest.mark.process]

PICTURES = Path(__file__).parents[2] / ".cache/page"
"""Where the pictures of the page are left, to be looked at."""
PARTS = (
    "The state of the hive's monitor", "The hive now", "Do something", "What happened",
    "Weight over time", "Temperature and humidity over time", "Sound of the day", "Entrance",
    "Traffic by hour and day", "Completeness", "The machine",
)
PAINTED_MS = 1000
YEAR_DRAWN_MS = 200


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"), DEVICES, days=365)
    try:
        house.hive.do("snapshot camera.entrance")
        house.hive.do("record microphone.brood 5")
        house.enter()
        yield house
    finally:
        house.close()


@pytest.fixture
def browser(house: House) -> Browser:
    """The page, opened anew, by who is logged in."""
    house.browser.size(1440)
    house.browser.complaints(), house.browser.requests()
    house.browser.open(house.site.address)
    house.drawn()
    return house.browser


def test_each_part_is_found_by_its_role(browser: Browser) -> None:
    until(lambda: set(PARTS) <= set(browser.names("region")))
    assert browser.has("article", "Weight")
    assert browser.has("article", "Brood temperature")
    assert browser.has("article", "Traffic")
    assert browser.has("article", "Last picture and sound")
    assert browser.names("tab") == ["24 hours", "14 days", "Year"]
    assert browser.has("slider", "Weight over time")
    until(lambda: browser.has("grid", "Traffic by hour and day"))
    until(lambda: browser.has("grid", "Completeness"))


def test_it_comes_from_the_hive_alone_and_without_an_error(house: House, browser: Browser) -> None:
    until(lambda: browser.has("slider", "Time of the recording"))
    own = (house.site.address, "data:")
    assert [url for url in browser.requests() if not url.startswith(own)] == []
    assert browser.complaints() == []


def test_the_first_paint_is_under_a_second(browser: Browser) -> None:
    paint = browser.run(
        "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    assert paint < PAINTED_MS


def test_a_year_is_drawn_in_a_fifth_of_a_second(browser: Browser) -> None:
    browser.press("Year", "tab")
    drawn = until(lambda: [
        entry for entry in browser.run(
            "return performance.getEntriesByType('measure').map((m) => [m.detail, m.duration])"
        ) if int(entry[0].rsplit(" ", 1)[1]) > 2000
    ])
    assert [entry for entry in drawn if entry[1] > YEAR_DRAWN_MS] == []


def test_each_number_has_its_unit_its_uncertainty_and_its_age(browser: Browser) -> None:
    until(lambda: "kg" in browser.text("#tile-weight"))
    shown = browser.text("#tile-weight")
    assert re.search(r"\d\d\.\d\d( ± 0\.02)?\skg\n(now|\d+ (second|minute)s? ago)", shown)
    assert re.search(r"7 days: [+-]\d+(\.\d+)? ± \d+(\.\d+)?\sk?g", shown)
    traffic = until(lambda: browser.text("#tile-traffic"))
    assert re.search(r"Last hour: [\d,]+ in, [\d,]+ out", traffic)
    assert re.search(r"The same hour yesterday: [\d,]+ in, [\d,]+ out", traffic)
    shown = browser.text("#tile-brood")
    assert re.search(r"3\d\.\d( ± 0\.1)?\s?°C\n(now|\d+ (second|minute)s? ago)", shown)


def test_the_band_that_brood_needs_is_shaded_behind_its_line(browser: Browser) -> None:
    shaded = """
    const canvas = document.querySelector("#climate canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) count += data[at] > 70 && data[at] < 84;
    return count > canvas.width"""
    browser.size(1440)
    until(lambda: "Brood needs 34–36°C." in browser.text("#climate .key"))
    assert browser.run(shaded)
    browser.run("localStorage.setItem('beemon.climate', 'sensor.air outside_temperature')")
    try:
        browser.driver.refresh()
        until(lambda: "air outside temperature" in browser.text("#climate .key"))
        until(lambda: browser.trait("#climate canvas", "width"))
        assert "Brood needs" not in browser.text("#climate .key")
        assert not browser.run(shaded)
    finally:
        browser.run("localStorage.clear()")


def test_findings_are_told_with_their_reasons_and_marked_in_the_chart(browser: Browser) -> None:
    until(lambda: "1.4 kg left the hive." in browser.text("#events"))
    assert re.fullmatch(r"\w+ [^:]+: 1\.4 kg left the hive\.", browser.text("#news"))
    browser.press("All of the last 30 days")
    until(lambda: browser.text("#events s"))
    shown = browser.text("#events")
    assert "By itself the hive lost 67 g." in shown
    assert "1.4 kg left the hive. (may be taken back)" in shown
    assert browser.text("#events s") == "1.3 kg were put back."
    assert "1.3 kg left." not in shown
    assert "It was by day." not in shown
    browser.run("document.querySelector('#events details summary').click()")
    reasons = until(lambda: browser.text("#events details[open] dl"))
    assert reasons.split("\n") == [
        "For it", "It was by day.", "Not known", "No bees were counted.", "loss",
        "1.30 ± 0.01\xa0kg (n=36)",
    ]
    until(lambda: re.search("★ [^★]*: maybe a swarm", browser.text("#charts figcaption")))


def test_the_owner_says_if_it_was_a_swarm(house: House, browser: Browser) -> None:
    until(lambda: browser.has("button", "It was a swarm"))
    browser.press("It was no swarm")
    until(lambda: re.search(r"swarm \d+ no \(job \d+\): done", browser.text("#outcome")))
    until(lambda: "✔ It was no swarm" in browser.text("#events"))
    assert not browser.has("button", "It was a swarm")


def test_the_sound_plays_and_the_picture_is_there(browser: Browser) -> None:
    until(lambda: browser.trait("#tile-media audio", "src"))
    browser.run("document.querySelector('#tile-media audio').muted = true")
    browser.command(
        "Runtime.evaluate", expression="document.querySelector('#tile-media audio').play()",
        userGesture=True,
    )
    until(lambda: browser.trait("#tile-media audio", "currentTime"))
    until(lambda: browser.trait("#tile-media img", "naturalWidth") == 320)


def test_a_button_says_its_cost_and_its_outcome(house: House, browser: Browser) -> None:
    button = browser.await_("button", "Take a picture")
    assert "not interrupted" in button["description"]["value"]
    browser.press("Take a picture")
    said = until(lambda: re.search(r"✔ .*\(job (\d+)\): done", browser.text("#outcome")))
    assert house.hive.ask(f"job {said[1]}")["command"] == "snapshot camera.entrance"


@pytest.mark.parametrize(("button", "begin", "cost", "command"), [
    ("do-record", "Record 30", "The device is busy for 30", "record microphone.brood 30"),
    ("do-read", "Read all sensors now", "Reads each sensor once", "read"),
])
def test_each_button_sends_its_command_and_tells_its_outcome(
    house: House, browser: Browser, button: str, begin: str, cost: str, command: str
) -> None:
    name = until(lambda: browser.text(f"#{button}"))
    assert name.startswith(begin)
    assert browser.await_("button", name)["description"]["value"].startswith(cost)
    browser.press(name)
    said = until(lambda: re.search(r"\(job (\d+)\)", browser.text("#outcome")))
    assert house.hive.ask(f"job {said[1]}")["command"] == command
    until(lambda: f"(job {said[1]}): done" in browser.text("#outcome"), 150)


def test_an_inspection_begins_and_ends_with_the_largest_button(
    house: House, browser: Browser
) -> None:
    until(lambda: browser.has("button", "Inspection begins"))
    sizes = dict(browser.run(
        "return [...document.querySelectorAll('button.picture, button[id]')].map((b) =>"
        " [b.id, b.offsetHeight * b.offsetWidth])"
    ))
    assert max(sizes, key=lambda name: sizes[name]) == "do-inspection"
    assert browser.trait("#do-inspection", "offsetHeight") >= 64
    browser.press("Inspection begins")
    until(lambda: "inspection" in house.hive.ask("status"))
    until(lambda: "Inspection since" in browser.text("#troubles"))
    browser.press("Inspection ends")
    until(lambda: "inspection" not in house.hive.ask("status"))
    until(lambda: browser.has("button", "Inspection begins"))


def test_a_new_picture_and_a_new_reading_come_by_themselves(house: House, browser: Browser) -> None:
    was = until(lambda: browser.trait("#tile-media img", "src"))
    job = house.hive.do("snapshot camera.entrance")["job"]
    until(lambda: browser.trait("#tile-media img", "src") != was)
    assert f"/{job}/" in browser.trait("#tile-media img", "src")


def test_the_back_button_returns_to_the_earlier_chart(browser: Browser) -> None:
    until(lambda: browser.run("return performance.getEntriesByType('measure').length") == 2)
    browser.press("24 hours", "tab")
    until(lambda: browser.run("return location.hash") == "#span=day")
    until(lambda: browser.run("return performance.getEntriesByType('measure').length") >= 4)
    assert "NaN" not in browser.text("#hive")
    browser.driver.back()
    until(lambda: browser.trait("#tab-fortnight", "ariaSelected") == "true")


def test_two_tabs_and_a_reload_stay_logged_in(house: House, browser: Browser) -> None:
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open(house.site.address)
    house.drawn()
    browser.driver.close()
    browser.driver.switch_to.window(first)
    browser.driver.refresh()
    house.drawn()


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_it_speaks_the_readers_language(house: House, browser: Browser, language: str) -> None:
    browser.run("localStorage.setItem('beemon.language', arguments[0])", language)
    try:
        browser.driver.refresh()
        house.drawn()
        assert browser.run("return document.documentElement.lang") == language
        shown = browser.run("return [...document.querySelectorAll('body *')].map((e) =>"
                            " e.children.length ? '' : e.textContent)")
        lacking = re.compile(r"(?!sensor|camera|microphone)[a-z]+(\.[a-z-]+)+")
        assert [text for text in shown if lacking.fullmatch(text)] == []
    finally:
        browser.run("localStorage.clear()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440])
def test_it_fits_every_screen_and_axe_finds_nothing_serious(
    browser: Browser, width: int, scheme: str
) -> None:
    browser.size(width, scheme)
    until(lambda: browser.run("return document.querySelectorAll('.plot canvas').length") == 2)
    browser.picture(PICTURES / f"{width}-{scheme}.png")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.offences() == []


def test_paper_has_the_numbers_and_charts_without_what_can_be_pressed(browser: Browser) -> None:
    until(lambda: browser.run("return document.querySelectorAll('.plot canvas').length") == 2)
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        shown = browser.run("return [...document.querySelectorAll('button, input, audio, select')]"
                            ".filter((one) => one.checkVisibility()).map((one) => one.className)")
        assert set(shown) <= {"picture"}
        assert "kg" in browser.text("#tile-weight .value")
        assert browser.trait(".plot canvas", "clientWidth") > 0
        assert browser.run("return getComputedStyle(document.body).backgroundColor") \
            == "rgb(255, 255, 255)"
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


def test_it_is_used_by_the_keyboard_alone(browser: Browser) -> None:
    browser.run("document.querySelector('.plot').focus()")
    before = until(lambda: browser.trait(".plot", "ariaValueText"))
    browser.command("Input.dispatchKeyEvent", type="keyDown", key="Home")
    until(lambda: browser.trait(".plot", "ariaValueText") != before)
    browser.run("document.querySelector('#calendar [tabindex=\"0\"]').focus()")
    browser.command("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft")
    until(lambda: browser.text("#calendar .readout"))


def test_the_live_view_shows_new_pictures_until_it_is_ended(
    house: House, browser: Browser
) -> None:
    browser.press("Live view")
    first = until(lambda: "/live/" in str(browser.trait("#entrance .still", "src"))
                  and browser.trait("#entrance .still", "src"))
    until(lambda: browser.trait("#entrance .still", "src") != first)
    assert browser.trait("#entrance .still", "naturalWidth") > 0
    assert "ends by itself after 2 minutes" in browser.text("#entrance")
    browser.press("End live view")
    until(lambda: "The live view has ended." in browser.text("#entrance"))
    [job] = [one for one in house.hive.ask("jobs")["jobs"] if one["command"].startswith("live ")]
    assert house.hive.wait(job["job"])["reason"] == "cancelled"
    until(lambda: "/recordings/" in browser.trait("#entrance .still", "src"))


def test_a_viewer_sees_the_numbers_and_no_picture_sound_or_button(
    house: House, browser: Browser
) -> None:
    made = browser.run(
        "return fetch('api/session').then((r) => r.json()).then(({csrf}) => fetch('api/tokens',"
        " {method: 'POST', headers: {'X-Csrf': csrf, 'Content-Type': 'application/json'},"
        " body: JSON.stringify({name: 'family', role: 'viewer'})})).then((r) => r.json())"
    )
    viewer = Browser()
    try:
        viewer.open(house.site.address)
        until(lambda: viewer.has("button", "Log in"))
        assert "or the token that its owner gave you" in viewer.text("#login")
        viewer.run("document.querySelector('[name=password]').value = 'beemon_guess'")
        viewer.press("Log in")
        until(lambda: "neither the password nor a valid token" in viewer.text("#login-outcome"))
        viewer.run("document.querySelector('[name=password]').value = arguments[0]", made["token"])
        viewer.press("Log in")
        until(lambda: "kg" in viewer.text("#tile-weight .value"))
        until(lambda: viewer.text("#machine dl"))
        assert not viewer.has("region", "Do something")
        assert viewer.text("#sound .nothing") == viewer.text("#entrance .nothing") \
            == "Pictures and sound are only for the owner of the hive."
        assert viewer.run("return document.querySelectorAll('main img, main audio').length") == 0
        assert viewer.names("button") == ["Log out", "All of the last 30 days"]
        told = viewer.run("return Promise.all(['status', 'devices', 'events', 'jobs'].map((one) =>"
                          " fetch(`api/${one}`).then((r) => r.text())))")
        assert not any(str(LATITUDE) in one for one in told)
        assert [said for said in viewer.complaints() if "403" not in said] == []
        viewer.picture(PICTURES / "viewer.png")
    finally:
        viewer.quit()


def test_a_hive_that_restarts_is_found_again_by_itself(house: House, browser: Browser) -> None:
    weight = browser.text("#tile-weight .value")
    house.site.stop()
    until(lambda: "No contact with the hive since" in browser.text("#contact"))
    assert browser.text("#tile-weight .value") == weight
    house.site.start()
    until(lambda: browser.text("#contact") == "" or browser.has("button", "Log in"))
    log_in(browser)
    house.drawn()
    house.hive.stop()
    until(lambda: "has not answered since" in browser.text("#state"))
    assert "kg" in browser.text("#tile-weight .value")
    browser.driver.refresh()
    until(lambda: "nothing answers" in browser.text("#entrance .problem"))
    assert not re.search("No sensor|There is no|no devices|no readings", browser.text("#hive"))
    house.hive.start()
    until(lambda: "is working" in browser.text("#state"))


def log_in(browser: Browser) -> None:
    """Enter the password, if it is asked for."""
    if browser.has("button", "Log in"):
        browser.run("document.querySelector('[name=password]').value = arguments[0]", PASSWORD)
        browser.press("Log in")


def test_a_wrong_clock_is_said(house: House, browser: Browser) -> None:
    shift = "const now = Date.now; Date.now = () => now() + 3 * 3600e3;"
    added = browser.command("Page.addScriptToEvaluateOnNewDocument", source=shift)
    try:
        browser.driver.refresh()
        until(lambda: "differs from this device's clock by 3 hours" in browser.text("#clock"))
    finally:
        browser.command("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


def test_no_devices_at_all_are_said_in_words(tmp_path: Path) -> None:
    house = House(tmp_path / "none", "")
    try:
        house.enter()
        browser = house.browser
        said = ("No sensor measures the weight.", "There is no camera.", "Nothing was scheduled")
        until(lambda: all(words in browser.text("#hive") for words in said))
        assert browser.offences() == []
        assert [said for said in browser.complaints() if "401" not in said] == []
    finally:
        house.close()


def test_sixty_sensors_are_all_there(tmp_path: Path) -> None:
    sensors = "".join(f'[sensor.s{n}]\ndriver = "simulated"\nshare = true\n' for n in range(60))
    house = House(tmp_path / "sixty", sensors.replace("share = true\n", ""))
    try:
        house.hive.do("read")
        house.enter()
        browser = house.browser
        until(lambda: len(browser.run(
            "return [...document.querySelectorAll('#machine tbody tr')].map((r) => r.innerText)"
        )) >= 300)
        browser.size(320)
        assert browser.run("return document.documentElement.scrollWidth") <= 320
    finally:
        house.close()
