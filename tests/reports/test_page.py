"""The page is one file, and nothing in a record can act in it."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from records import attempt, chart, digits, record, run_info

import reports
from compactor.record import (
    Best,
    Epoch,
    EpochMetric,
    Finding,
    Message,
    MetricBest,
    Phase,
    Record,
)
from reports.page import json_block, render_page
from reports.wording import MINUS

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</style></title><script>alert(1)</script>",
    '" onload="alert(1)" x=\'',
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{2}$",
    "../../etc/passwd",
    "javascript:alert(1)",
    "<!--<script>",
    "n" * 10_000,
]
TAGS = frozenset(
    "html head meta title style body header main footer section h1 h2 h3 p span div dl dt dd ul li "
    "table thead tbody tr th td bdi figure figcaption b ol button details summary noscript "
    "script".split()
)


class Reader(HTMLParser):
    """Collects the elements, attributes and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.inside = tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep a piece of text that is shown."""
        if self.inside != "script":
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
        findings=[finding(rule=text, severity=text, metric=text, text=text, advice=text)],
        phases=[Phase(name=text, step=1)],
        best_by_metric={text: MetricBest(mode=text, value=1.0, step=0, epoch=None, per=text)},
    )


def finding(**changes: Any) -> Finding:
    """Something found in the loss."""
    facts: dict[str, Any] = {
        "rule": "loss_spike",
        "severity": "warning",
        "metric": "train/loss",
        "rank": 0,
        "step": 40,
        "last_step": 42,
        "text": "train/loss rose to 9",
        "evidence": {},
        "advice": "Clip the gradients.",
    }
    return Finding(**(facts | changes))


def scripts(page: str) -> list[tuple[str, str]]:
    """The attributes and the text of each script element, as a browser splits them."""
    return re.findall(r"<script([^>]*)>(.*?)</script", page, re.DOTALL | re.IGNORECASE)


def test_a_page_needs_nothing_but_itself() -> None:
    """There is no image, no link, no form, no frame, and no script with an address."""
    reader = read(render_page(digits()))
    assert {tag for tag, _ in reader.elements} <= TAGS
    addresses = {"src", "srcset", "href", "action", "data", "poster", "background"}
    assert not any(addresses & set(attributes) for _, attributes in reader.elements)
    css = re.search(r"<style>(.*?)</style>", render_page(digits()), re.DOTALL)
    assert css is not None
    assert "url(" not in css[1]
    assert "@import" not in css[1]


def test_a_page_allows_its_own_two_scripts_and_no_other() -> None:
    """By their hashes; the other two script elements are data."""
    page = render_page(digits())
    (policy,) = [
        attributes["content"]
        for attributes in read(page).all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    kinds = [kind for kind, _ in scripts(page)]
    assert [bool(kind) for kind in kinds] == [True, True, False, False]
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in scripts(page)
        if not kind
    ]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_library_is_the_one_that_its_note_names() -> None:
    """Byte for byte, with its licence beside it."""
    folder = Path(reports.__file__).parent / "static" / "echarts"
    digest = hashlib.sha256((folder / "echarts.common.min.js").read_bytes()).hexdigest()
    assert digest in (folder / "VERSION").read_text()
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert (folder / "NOTICE").exists()


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_text_ends_the_data_of_a_page(text: str) -> None:
    """The block holds no character that HTML knows, and reads back as it was."""
    block = json_block({text: [text]})
    assert not set("<>&") & set(block)
    assert json.loads(block) == {text: [text]}
    with pytest.raises(ValueError, match="JSON"):
        json_block([math.nan])


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


def test_every_chart_says_what_it_shows() -> None:
    """In a sentence for each line, and in a table of figures."""
    reader = read(render_page(digits()))
    plots = [attributes for attributes in reader.all("div") if attributes.get("class") == "plot"]
    assert len(plots) == 3
    assert all(plot["aria-label"].startswith("Line chart of ") for plot in plots)
    assert all(plot["tabindex"] == "0" for plot in plots)
    assert "train 2.3 at step 0 0.2736 at step 99" in words(digits())


def test_findings_stand_at_the_top_the_gravest_first() -> None:
    """Each with its place, what was seen and what to try; and again at its chart."""
    found = [
        finding(severity="info", text="calm"),
        finding(severity="critical", step=None, last_step=None, text="grave"),
        finding(last_step=None),
    ]
    made = record(digits().charts, findings=found)
    seen = words(made)
    assert "2 things to look at." in seen
    assert seen.index("grave") < seen.index("rose to 9") < seen.index("calm")
    assert "warning loss spike train/loss , step 40 train/loss rose to 9 Clip" in seen
    assert seen.count("rose to 9") == 2
    assert seen.count("grave") == 1


def test_a_quiet_run_says_so_in_a_sentence() -> None:
    """Status, duration and steps."""
    assert "Completed after 4 min 12 s, 100 steps; nothing stands out." in words(digits())


def test_the_best_of_each_metric_phases_and_ranks_have_tables() -> None:
    """A phase ends where the next begins; ranks are told where there are several."""
    made = record(
        best_by_metric={"acc": MetricBest(mode="max", value=0.9, step=7, epoch=1, per="epoch")},
        phases=[Phase(name="tune", step=50), Phase(name="warm-up", step=0)],
        run=run_info(
            ranks=[0, 1], world_size=2, attempts=[attempt(), attempt(rank=1, status="failed")]
        ),
    )
    seen = words(made)
    assert "acc 0.9 largest 1 7 epoch" in seen
    assert "warm-up 0 49 tune 50 \N{EN DASH}" in seen
    assert "1 failed 1 120 0 0" in seen
    assert "Ranks" not in words(digits())


def test_the_statistics_of_epochs_are_columns_and_no_name_is_a_key() -> None:
    """In the order of the table, so that the script can show and copy them."""
    one = EpochMetric(rows=9, mean=1.0, min=0.5, max=2.0, last=0.6, change=None)
    epoch = Epoch(
        epoch=3,
        first_step=0,
        last_step=8,
        ended=True,
        seconds=None,
        values={"__proto__": 1.0},
        metrics={"__proto__": one},
    )
    page = render_page(record(epochs=[epoch], epoch_columns=["__proto__", "lr"]))
    data = json.loads(scripts(page)[0][1])["epochs"]
    assert data["metrics"] == ["__proto__", "lr"]
    assert {each["name"]: each["columns"] for each in data["statistics"]} == {
        "mean": [[1.0], [None]],
        "min": [[0.5], [None]],
        "max": [[2.0], [None]],
        "last": [[0.6], [None]],
        "change": [[None], [None]],
    }


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


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rank": None}, "The smallest of 10 epochs, as the mean over the ranks."),
        ({"rank": 3}, "The smallest of 10 epochs, of rank 3."),
        (
            {"min_delta": 0.2},
            "The last of 10 epochs that was better than the best before it by more than 0.2.",
        ),
    ],
)
def test_a_best_value_by_another_rule_says_so(rule: dict[str, Any], said: str) -> None:
    """It need not be the smallest, nor the lowest rank's."""
    made = digits()
    assert made.best is not None
    best = msgspec.structs.replace(made.best, **rule)
    page = render_page(msgspec.structs.replace(made, best=best))
    assert said in page


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
