"""A script can use the programmer on a device in a patient, without a visit."""

import re
from pathlib import Path

import pytest

from sim.device.settings import ConflictError, Settings
from sim.patient import phenotype
from sim.visit.advisor import Nobody
from sim.visit.hands_on import HandsOn

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-programmer.md"


@pytest.fixture
def session() -> HandsOn:
    return HandsOn(phenotype("hfref-ischaemic"), seed=7)


def test_the_example_of_the_how_to_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    exec(compile(code, str(HOW_TO), "exec"), {})
    told = capsys.readouterr().out
    assert "alert_width_ms" in told
    assert "programmed and confirmed" in told
    assert "ccm CCM" in told


def test_the_heart_beats_on_while_a_command_runs(session: HandsOn) -> None:
    session.do(session.programmer.impedance())
    assert session.now_s == session.programmer.programming_s
    # 5 s at 60 to 90 beats a minute
    assert 4 <= session.visit.bedside.n_beats <= 9


def test_a_refused_command_raises_in_the_script(session: HandsOn) -> None:
    wrong = session.programmer.programmed.with_values({"delay_ms": 60.0})
    with pytest.raises(ConflictError):
        session.do(session.programmer.program(wrong))


def test_trains_stop_when_the_cell_is_empty_and_come_back_when_charged(
    session: HandsOn,
) -> None:
    log = session.visit.bedside.log
    session.visit.generator.battery.drain(180.0)
    first = session.visit.bedside.n_beats
    session.wait_beats(20)
    assert log.delivered_frac(first) == 0.0
    session.visit.generator.battery.recharge(session.now_s)
    first = session.visit.bedside.n_beats
    session.wait_beats(20)
    assert log.delivered_frac(first) > 0.7


def test_with_nobody_to_advise_nothing_is_tried_and_the_reference_kept() -> None:
    nobody, reference = Nobody(), Settings(amplitude_v=6.0)
    nobody.begin(reference, 5)
    assert nobody.propose() is None
    assert nobody.recommend().settings == reference
