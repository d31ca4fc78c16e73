"""Who waits for kernels to be compiled is told so, and about how long."""

from harness.common.compiling import N_KERNELS, Compiling


def told_of(n: int, each_s: float) -> list[str]:
    said: list[str] = []
    clock = iter(each_s * k for k in range(n))
    tell = Compiling(said.append, lambda: next(clock))
    for k in range(n):
        tell(f"kernel {k}")
    return said


def test_nothing_is_said_of_a_few_kernels() -> None:
    assert told_of(4, 1.0) == []


def test_what_is_left_follows_from_what_was_done() -> None:
    said = told_of(10, 1.0)
    assert (
        said[0]
        == "compiling the heart: once for this installation, about half a minute"
    )
    # the ninth begins after 8 s: 8 / 9 s each for the rest
    assert said[1:] == [
        f"compiling the heart: about {8 / 9 * (N_KERNELS - 9):.0f} s left"
    ]


def test_more_kernels_than_expected_promise_nothing() -> None:
    assert told_of(N_KERNELS + 4, 4.0)[-1].endswith("kernels so far")
