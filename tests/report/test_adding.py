"""A section or a figure more is one declaration: every format has it, none knows it."""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import jsonschema
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from harness.common.drawing import new_figure
from harness.play.run import Run
from harness.report.build import composed
from harness.report.case import Case
from harness.report.contents import Report
from harness.report.fhir_observations import component, measured, observation
from harness.report.fhir_terms import Json, Names, concept
from harness.report.figures.gallery import FIGURES, figures
from harness.report.figures.plot import Plot, always
from harness.report.formats import renderings
from harness.report.parts import Part, Quantity
from harness.report.schema import schema_text
from harness.report.section import Section
from harness.report.values import minutes
from harness.truth.answer_key import AnswerKey

TextOf = Callable[[bytes], str]

HTML: Final = (
    "<p>Coffee for <bdi>{{ r.coffee.who }}</bdi>: {{ r.coffee.length.text }}</p>"
)
TYPST: Final = "Coffee for #r.coffee.who: #r.coffee.length.text"


class Coffee(Part):
    """How long staff rested."""

    who: str
    length: Quantity


def coffee_part(case: Case) -> Coffee:
    observed = next(p for p in case.record.phases if p.name == "observation")
    return Coffee(
        who=f"the {observed.staff} <&>",
        length=minutes(observed.end_s - observed.start_s),
    )


def coffee_in_fhir(coffee: Coffee, names: Names) -> Iterator[tuple[str, Json]]:
    body = measured(coffee.length)
    who = component("coffee-for", "coffee for", coffee.who)
    code = concept("coffee", "length of the coffee break")
    yield (
        "coffee",
        observation(names, "coffee", code, ("A break.",), **body, component=[who]),
    )


COFFEE: Final = Section(
    name="coffee",
    order=85,
    title="Coffee break",
    build=coffee_part,
    fhir=coffee_in_fhir,
    package="a_report_of_my_own",
)


class WithCoffee(Report):
    """A report with one section more."""

    coffee: Annotated[Coffee, COFFEE]


def draw_cup(report: Report) -> Figure:
    figure = new_figure(1.0)
    figure.add_subplot().set_xlabel("sips, mL")
    return figure


CUP: Final = Plot(
    name="cup",
    has_data=lambda report: True,
    draw=draw_cup,
    title=always("A cup"),
    words=always("Empty."),
    caption=always("The cup afterwards."),
    closes="coffee",
)


@pytest.fixture(scope="module")
def rendered(
    run: Run, truth: AnswerKey, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Render a report with a section whose templates are in a package of its own."""
    place = tmp_path_factory.mktemp("path")
    folder = place / COFFEE.package / "templates" / "sections"
    folder.mkdir(parents=True)
    (place / COFFEE.package / "__init__.py").touch()
    (folder / "coffee.html.j2").write_text(HTML, encoding="utf-8")
    (folder / "coffee.typ").write_text(TYPST, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        report = composed(Case(run, truth), WithCoffee)
        return renderings(report, drawn=figures(report, (*FIGURES, CUP)))


def test_a_new_section_is_in_the_json_and_is_read_back(
    rendered: dict[str, bytes],
) -> None:
    report = WithCoffee.model_validate_json(rendered["report.json"])
    assert report.coffee.length == Quantity(value=15.0, unit="min", digits=1)


def test_a_new_section_is_in_the_schema_that_its_report_fits(
    rendered: dict[str, bytes],
) -> None:
    schema = json.loads(schema_text(WithCoffee))
    assert schema["properties"]["coffee"]["$ref"] == "#/$defs/Coffee"
    assert "coffee" in schema["required"]
    jsonschema.validate(json.loads(rendered["report.json"]), schema)


def test_a_new_section_stands_at_its_place_on_the_page_and_in_its_contents(
    rendered: dict[str, bytes],
) -> None:
    page = BeautifulSoup(rendered["report.html"], "html.parser")
    ids = [str(section["id"]) for section in page.select("main > section")]
    assert ids[ids.index("coffee") - 1 : ids.index("coffee") + 2] == [
        *("observation", "coffee", "proof")
    ]
    (section,) = page.select("#coffee")
    assert "Coffee for the nurse <&>: 15.0\u00a0min" in section.get_text()
    (line,) = page.select('nav a[href="#coffee"]')
    assert line.get_text() == COFFEE.title


def test_a_new_section_is_in_the_pdf(
    rendered: dict[str, bytes], text_of_pdf: TextOf
) -> None:
    text = text_of_pdf(rendered["report.pdf"])
    assert "Coffee break Coffee for the nurse <&>: 15.0 min" in text
    assert text.index("Coffee break") < text.index("Re-interrogation as proof")


def test_a_new_section_is_in_the_fhir_bundle(rendered: dict[str, bytes]) -> None:
    entries = json.loads(rendered["report.fhir.json"])["entry"]
    codes = {
        entry["resource"]["code"]["text"]: entry["resource"]
        for entry in entries
        if entry["resource"]["resourceType"] == "Observation"
    }
    assert codes["length of the coffee break"]["valueQuantity"]["value"] == 15.0
    (known,) = (e["resource"] for e in entries if "concept" in e["resource"])
    assert "coffee-for" in {row["code"] for row in known["concept"]}


def test_a_new_figure_closes_its_section_in_page_and_pdf(
    rendered: dict[str, bytes], text_of_pdf: TextOf
) -> None:
    page = BeautifulSoup(rendered["report.html"], "html.parser")
    (caption,) = page.select("#coffee figure figcaption")
    assert caption.get_text() == "The cup afterwards."
    text = text_of_pdf(rendered["report.pdf"])
    assert "The cup afterwards." in text


def test_the_report_without_it_is_as_it_was(
    rendered: dict[str, bytes], report: Report
) -> None:
    told = json.loads(rendered["report.json"])
    del told["coffee"]
    assert told == json.loads(report.model_dump_json())
