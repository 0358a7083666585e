"""The table [web]: a wrong address is a problem with its line, like any other."""

from __future__ import annotations

import pytest

from beemon.config import settings as config


def load(folder, url):
    (folder / "beemon.toml").write_text(f'[web]\npublic_url = "{url}"\n')
    return config.load(folder / "beemon.toml").web


def test_the_address_of_the_page_is_taken(tmp_path):
    url = "https://hive.example:8443/apiary-7"
    assert load(tmp_path, url).public_url == url


@pytest.mark.parametrize("url", ["hive.example", "ftp://hive.example", "https://", "http://[x",
                                 "http://hive.example:99999/", "http://hive.example:0/"])
def test_what_is_no_address_is_told_and_ends_nothing(tmp_path, url):
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, url)
    assert f'"public_url" must be an address such as "https://hive.example", not "{url}"' \
        in str(caught.value)
    assert "beemon.toml:2" in str(caught.value)
