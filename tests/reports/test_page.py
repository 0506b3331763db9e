"""The page is one file, and nothing in a record can act in it."""

import math
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest
from records import attempt, chart, digits, record, run_info

from compactor.record import Best, Epoch, Message, Record
from reports.page import render_page
from reports.wording import MINUS

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</style></title><script>alert(1)</script>",
    '" onload="alert(1)" x=\'',
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{2}$",
    "../../etc/passwd",
    "n" * 5000,
]
TAGS = frozenset(
    "html head meta title style body header main footer section h1 h2 h3 p span div dl dt dd ul li "
    "table thead tbody tr th td bdi figure figcaption picture source img".split()
)


class Reader(HTMLParser):
    """Collects the elements, attributes and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep a piece of text."""
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def read(page: str) -> Reader:
    """The page, parsed."""
    reader = Reader()
    reader.feed(page)
    return reader


def words(made: Record) -> str:
    """What a reader sees, with single spaces."""
    return " ".join(" ".join(read(render_page(made)).words).split())


def hostile(text: str) -> Record:
    """A record that says ``text`` wherever it can."""
    points = [(0, 1.0), (1, math.nan), (2, 2.0)]
    infos = {text: {"metric": text, "unit": text, "colour": text, "note": text}}
    run = run_info(
        id=text,
        name=text,
        status=text,
        error=text,
        started=text,
        tags=[text],
        config={text: {text: [text]}},
        environment={text: text},
        attempts=[attempt(error=text, hidden_rows=3, status=text)],
    )
    made = chart(text, {text: points}, infos=infos, title=text, x_label=text, note=text)
    epoch = Epoch(epoch=0, first_step=0, last_step=2, ended=False, seconds=None, values={text: 1.0})
    return record(
        {text: made},
        run=run,
        epochs=[epoch],
        epoch_columns=[text],
        messages=[Message(time=text, step=0, level=text, text=text)],
        not_drawn=[text],
        notes=[text],
    )


def test_a_page_needs_nothing_but_itself() -> None:
    """Every image is inside; there is no script, no link, no form, no frame."""
    reader = read(render_page(digits()))
    assert {tag for tag, _ in reader.elements} <= TAGS
    addresses = [
        value
        for _, attributes in reader.elements
        for name, value in attributes.items()
        if name in {"src", "srcset", "href", "action", "data", "poster", "background"}
    ]
    assert len(addresses) == 2 * 3
    assert all(address.startswith("data:image/svg+xml,") for address in addresses)
    css = re.search(r"<style>(.*?)</style>", render_page(digits()), re.DOTALL)
    assert css is not None
    assert "url(" not in css[1]
    assert "@import" not in css[1]


def test_a_page_forbids_network_and_script() -> None:
    """Should anything slip through, the browser refuses it."""
    policies = [
        attributes["content"]
        for attributes in read(render_page(digits())).all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_the_images_refer_to_nothing_outside() -> None:
    """Their only addresses are the names of their vocabularies and of their own parts."""
    for image in read(render_page(digits())).all("img"):
        svg = unquote(image["src"])
        references = re.findall(r'(?:href|src)="([^"]*)"', svg)
        assert all(reference.startswith("#") for reference in references)
        assert "<script" not in svg


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_text_of_a_record_acts_in_the_page(text: str) -> None:
    """It is shown as it stands: no element, attribute or style comes of it."""
    reader = read(render_page(hostile(text)))
    assert {tag for tag, _ in reader.elements} <= TAGS
    assert not any(
        name.startswith("on") for _, attributes in reader.elements for name in attributes
    )
    styles = [attributes["style"] for _, attributes in reader.elements if "style" in attributes]
    assert all(re.fullmatch(r"--light: #\w{6}; --dark: #\w{6}", style) for style in styles)
    assert sum(text in word for word in reader.words) >= 10


def test_every_image_says_what_it_shows() -> None:
    """In light and dark, with its size, so that nothing jumps while loading."""
    reader = read(render_page(digits()))
    for image in reader.all("img"):
        assert image["alt"].startswith("Line chart of ")
        assert int(image["width"]) > int(image["height"]) > 100
    assert all("dark" in source["media"] for source in reader.all("source"))


def test_every_heading_of_a_table_says_what_it_heads() -> None:
    """A column or a row."""
    made = digits()
    headings = read(render_page(made)).all("th")
    assert {heading["scope"] for heading in headings} == {"row", "col"}
    assert all("scope" in heading for heading in headings)


def test_the_best_value_stands_at_the_top_with_its_reasons() -> None:
    """Metric, value, epoch, step, and how both metric and direction were chosen."""
    seen = words(digits())
    assert "Best val/loss 0.4 epoch 6 · step 69 The smallest of 10 epochs." in seen
    assert "Metric: declared by the run" in seen


def test_the_best_epoch_is_marked_by_more_than_colour() -> None:
    """Its row says "best"."""
    reader = read(render_page(digits()))
    assert [row for row in reader.all("tr") if row.get("class") == "best"]
    assert "6 best 60\N{EN DASH}69" in words(digits())


def test_numbers_are_short_and_can_be_read_in_full() -> None:
    """The full value is in the title."""
    epoch = Epoch(
        epoch=0, first_step=0, last_step=9, ended=True, seconds=1.0, values={"loss": 0.123456789}
    )
    made = record(epochs=[epoch], epoch_columns=["loss", "acc"])
    cells = [cell for cell in read(render_page(made)).all("td") if cell.get("title")]
    assert [cell["title"] for cell in cells] == ["0.123456789"]
    assert "0.1235" in words(made)


def test_the_configuration_is_flattened() -> None:
    """Nested keys are joined by dots; lists are JSON."""
    seen = words(digits())
    assert "model.width 64" in seen
    assert "model.layers [1, 2]" in seen


def test_attempts_are_shown_where_there_is_something_to_tell() -> None:
    """One that went well needs no table."""
    assert "Attempts" not in words(digits())
    two = run_info(attempts=[attempt(hidden_rows=20), attempt(attempt=1, resumed_from=50)])
    assert "step 50" in words(record(run=two))
    lossy = run_info(attempts=[attempt(dropped=7)])
    assert "Attempts" in words(record(run=lossy))


def test_notes_messages_and_what_is_not_drawn_are_in_plain_sight() -> None:
    """Nothing the record admits is folded away."""
    made = record(
        notes=["3 rows were lost to a full disk."],
        messages=[Message(time="2026-05-04T15:30:00Z", step=40, level="warning", text="too hot")],
        not_drawn=["layer1/grad"],
    )
    seen = words(made)
    for text in ("3 rows were lost", "too hot", "layer1/grad"):
        assert text in seen


def test_a_page_of_nothing_says_so() -> None:
    """And has neither an empty table nor an empty heading."""
    seen = words(record())
    assert "Nothing to draw: no metric has a chart." in seen
    assert "Epochs" not in seen.replace("Epochs \N{EN DASH}", "")
    assert "Configuration" not in seen


def best_of_steps(**changes: Any) -> Best:
    """The best of a monitor that was logged outside epochs."""
    facts: dict[str, Any] = {
        "metric": "reward",
        "mode": "max",
        "value": -0.5,
        "step": -40,
        "epoch": None,
        "per": "step",
        "candidates": 1000,
        "metric_chosen_by": "its name",
        "mode_chosen_by": "its name",
        "row": {"reward": -0.5},
    }
    return Best(**(facts | changes))


def test_a_best_step_is_told_without_an_epoch() -> None:
    """Values were compared, and a negative number has a minus sign."""
    seen = words(record(best=best_of_steps(), best_step=-40))
    assert f"Best reward {MINUS}0.5 step {MINUS}40 The largest of 1,000 values." in seen
    assert "largest of 1 epoch mean." in words(
        record(best=best_of_steps(per="epoch mean", candidates=1, epoch=0))
    )


def test_a_run_without_a_best_point_claims_none() -> None:
    """Neither at the top nor in the table of epochs."""
    made = record(digits().charts, epochs=digits().epochs, epoch_columns=["val/loss"])
    reader = read(render_page(made))
    assert not [row for row in reader.all("tr") if row.get("class") == "best"]
    assert "Best" not in words(made)
    assert "Everything at the best point" not in words(made)


def test_text_of_a_run_turns_nothing_around() -> None:
    """A name that overrides the direction of writing is set apart from what stands beside it."""
    page = render_page(hostile("abc \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe"))
    name = "<bdi>abc \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe</bdi>"
    assert f"<h1>{name} <bdi" in page
    assert f"<h3>{name}</h3>" in page
    assert "<title>abc gnp.exe" in page


def test_the_same_record_gives_the_same_page() -> None:
    """To the byte."""
    assert render_page(digits()) == render_page(digits())
