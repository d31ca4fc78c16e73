"""Only regular files of a bounded size are read, and each fault has its place."""

import os
from pathlib import Path

import pytest

from sim.textfiles import UnreadableError, read_text, toml_table


def refused(path: Path, **options: int) -> str:
    with pytest.raises(UnreadableError) as caught:
        read_text(path, **options)
    return str(caught.value)


def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "cannot be read: is no regular file"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/dev/zero", "is no regular file"),
        ("/dev/null", "is no regular file"),
        ("/", "is a folder"),
        ("/no/such/file", "no such file or directory"),
        ("a\0b", "no file has such a name"),
    ],
)
def test_what_is_no_file_is_told(path: str, told: str) -> None:
    assert refused(Path(path)) == f"cannot be read: {told}"


def test_gigabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(4_000_000_000)  # of holes
    assert refused(tmp_path / "large") == "must hold at most 1 MB"


def test_a_file_that_does_not_tell_its_size_is_bounded_too() -> None:
    assert refused(Path("/proc/self/status"), most_bytes=10) == (
        "must hold at most 1e-05 MB"
    )


def test_a_link_that_the_user_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfa\r\nb\r")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_text(tmp_path / "link") == "a\nb\n"


def test_a_wrong_byte_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("é\n".encode("utf-16"))
    assert (
        refused(tmp_path / "file") == "must be UTF-8 text, got the byte 0xff in line 1"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\nb = [", "at line 2, the end of the file"),
        ("a = 1\nb = " + "9" * 4301, "a number of more than 64 bits in line 2"),
        (f"a = {2**63}", "a: must be a number of at most 64 bits"),
        (f"[b]\na = [0, -{10**400}]", "b.a.1: must be a number of at most 64 bits"),
        ("a = 1\nb = " + "[" * 9000 + "]" * 9000, "deeper than 20 in line 2"),
        ("a = " + "[" * 30 + "]" * 30, "deeper than 20"),
        ("x = 1\n" + "a." * 600 + "b = 1", "too many dots in line 2"),
        ("x = 1\na = '\0'", "(at line 2, column 6)"),
    ],
)
def test_what_no_table_can_hold_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        toml_table(text)
    assert told in str(caught.value)


def test_the_largest_whole_number_of_toml_is_read() -> None:
    assert toml_table(f"a = {2**63 - 1}\nb = 1e400") == {
        "a": 2**63 - 1,
        "b": float("inf"),
    }
