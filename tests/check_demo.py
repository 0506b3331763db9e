"""Look at what ``everystep demo`` wrote: ``python tests/check_demo.py RUN``. Exit status 1 if not."""

import html
import json
import re
import sys
from pathlib import Path

import jsonschema
import matplotlib.image
import polars as pl

from compactor.record import json_schema


def check(run: Path) -> None:
    """The record obeys its schema, its best epoch is the argmin, pictures and page are there."""
    record = json.loads((run / "record.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json_schema()).validate(record)
    rows = pl.read_parquet(run / "writers/*/*.parquet").sort("seq")
    validation = rows.filter(metric="val/loss")
    best = validation.row(validation["value"].arg_min(), named=True)
    assert record["best_step"] == best["step"], (record["best_step"], best)
    assert record["best"]["epoch"] == best["epoch"]
    assert record["best"]["value"] == best["value"]
    pictures = [run / "report/dashboard.png", *sorted((run / "report/charts").glob("*.png"))]
    assert len(pictures) == 1 + len(record["charts"])
    for picture in pictures:
        height, width, _ = matplotlib.image.imread(picture).shape
        assert min(height, width) > 400, picture
    page = (run / "report/index.html").read_text(encoding="utf-8")
    assert f"{best['value']:.4f}" in page
    assert "default-src 'none'" in html.unescape(page), (
        "the page may not ask the network for anything"
    )
    outside_scripts = re.sub(r"(?s)<script.*?</script>", "", page)
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/", "", outside_scripts)
    print(f"{run}: best epoch {best['epoch']}, {len(pictures)} pictures and the page are good")


if __name__ == "__main__":
    check(Path(sys.argv[1]))
