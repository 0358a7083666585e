"""The web client against servers that are wrong or hostile."""

from __future__ import annotations

import ssl

import pytest

from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.web_client import check_answer, send
from tests.base.test_web_client import answering
from tests.uplink.servers import Said, certify


@pytest.mark.parametrize("said", [
    b"", b"\0" * 500, b"HTTP/1.1 nothing\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A" * 99999,
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
])
def test_a_damaged_answer_is_no_proof(said):
    with answering(lambda connection: connection.sendall(said)) as url, \
            pytest.raises(NotDeliveredError):
        check_answer(send("POST", url, b"body", seconds=30), url, (204,))


def test_a_redirection_is_not_followed(server):
    server.answer = lambda _: Said(307, b"", {"Location": f"{server.url}/elsewhere"})
    answer = send("POST", server.url, b"body", {"Authorization": "Token secret"})
    with pytest.raises(NotDeliveredError, match="status 307, which redirects; name the new"):
        check_answer(answer, server.url, (204,))
    assert len(server.asked) == 1


@pytest.mark.process
def test_a_server_whose_certificate_is_not_trusted_gets_no_secret(server, tmp_path):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certify(tmp_path, "127.0.0.1"))
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    said = "its certificate is not trusted: self.signed certificate; check the address"
    with pytest.raises(NotDeliveredError, match=said):
        send("POST", url, b"key", {"Authorization": "Token secret"})
    assert server.asked == []


def test_a_server_that_repeats_the_secret_does_not_bring_it_into_the_log(server):
    server.answer = lambda asked: Said(401, asked.headers["Authorization"].encode())
    answer = send("POST", server.url, b"", {"Authorization": "Token the-secret"})
    with pytest.raises(NotDeliveredError) as caught:
        check_answer(answer, server.url, (204,), "the-secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("secret", ["pass€word", "pass\x00\nword", "pass\rword"])
def test_a_secret_that_http_cannot_carry_is_trouble_and_does_not_show(server, secret):
    with pytest.raises(NotDeliveredError) as caught:
        send("POST", server.url, b"", {"Authorization": f"Token {secret}"})
    assert "pass" not in str(caught.value).replace("password or token", "")
    assert caught.value.__cause__ is None
