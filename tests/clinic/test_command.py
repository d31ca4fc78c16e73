"""`ccmlab clinic`: what it refuses, in one message."""

import pytest

from harness.cli import invoke
from harness.clinic.serve import HERE, Address, listening_on


def test_a_port_that_is_taken_is_one_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with listening_on(HERE, 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert invoke(["clinic", "--no-open", "--port", str(port)]) == 2
    told = capsys.readouterr()
    assert f"port {port}: address already in use" in told.err
    assert told.out == ""


@pytest.mark.parametrize("address", ["everywhere", "0.0.0.0"])
def test_lan_wants_an_address(capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert invoke(["clinic", "--no-open", "--lan", address]) == 2
    assert "--lan takes" in capsys.readouterr().err


def test_the_key_stays_in_the_browser() -> None:
    """What follows the number sign of an address is never sent."""
    assert Address("10.0.0.7", 8722, "abc").url == "http://10.0.0.7:8722/#key=abc"
    assert Address("::1", 80).url == "http://[::1]:80/"
