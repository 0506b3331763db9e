"""Logs of real trainings as plain series, for the findings to be looked at.

Each log has a reader of its format and the monitor that its author would have watched. A blank cell
is absent. Where a log has no step of its own, or starts its steps anew, rows are counted instead.
"""

import csv
import json
import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from compactor.findings import Evidence
from compactor.fold import line_of
from compactor.names import Mode
from compactor.reading.lines import Line

Row = Mapping[str, float]
Reader = Callable[[Path], Iterable[Row]]

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)"
_PAIR = re.compile(rf"([A-Za-z_]+):\s*({_NUMBER})")
_BARRED = re.compile(rf"([a-z()A-Z ]+?)\s*:\s+({_NUMBER})\s*\|")
_STEPS = ("global_step", "current_steps", "step", "s", "iteration", "frame")


@dataclass(frozen=True)
class Log:
    """How to read one log, and what its author watched."""

    read: Reader
    monitor: str | None = None
    mode: Mode = "min"
    names: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = _STEPS
    rank: str = "seed"


def tables(path: Path) -> Iterator[Row]:
    """A CSV file with a header, perhaps repeated or behind a ``#``."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = (line.removeprefix("# ") for line in file if not line.startswith("#{"))
        for row in csv.DictReader(lines):
            yield _numbers(row)


def json_lines(path: Path) -> Iterator[Row]:
    """A JSON object a line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield _numbers(json.loads(line))


def trainer_state(path: Path) -> Iterator[Row]:
    """The history in a trainer's state."""
    for row in json.loads(path.read_text(encoding="utf-8"))["log_history"]:
        yield _numbers(row)


def pairs(start: str) -> Reader:
    """Lines with ``start`` in them, of ``key:value`` pairs."""

    def read(path: Path) -> Iterator[Row]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(start):
                yield {key: float(value) for key, value in _PAIR.findall(line)}

    return read


def barred(path: Path) -> Iterator[Row]:
    """Lines of ``key: value |``, behind an iteration's number."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r" *iteration +(\d+)/", line):
            found = {key.strip(): float(value) for key, value in _BARRED.findall(line)}
            yield {"iteration": float(match[1]), **found}


def mlperf(path: Path) -> Iterator[Row]:
    """The evaluations in a log of events."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if "eval_accuracy:" in line:
            event = json.loads(line.partition("eval_accuracy:")[2])
            yield {"step": event["metadata"]["epoch_num"], "eval_accuracy": event["value"]}


def tensorboard(path: Path) -> Iterator[Row]:
    """The plain scalars of an event file: framed protocol buffers."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = dict(_fields(data[at + 12 : at + 12 + length]))
        at += length + 16
        for _, part in _fields(bytes(event.get(5, b""))):
            value = dict(_fields(bytes(part)))
            if 2 in value:
                tag, number = bytes(value[1]).decode(), struct.unpack("<f", bytes(value[2]))[0]
                yield {"step": float(int.from_bytes(event.get(2, b""), "little")), tag: number}


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protocol buffer; a varint as little-endian bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield key >> 3, number.to_bytes(8, "little")
            continue
        size, at = (_varint(data, at)) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def _numbers(row: Mapping[str, object]) -> Row:
    found = {}
    for key, cell in row.items():
        try:
            found[key] = float(str(cell))
        except ValueError:
            continue
    return found


LOGS: dict[str, Log] = {
    "hf_star_long.trainer_state.json": Log(trainer_state),
    "llamafactory_nsllm.trainer_log.jsonl": Log(json_lines),
    "llmc_main.log": Log(pairs("s:"), "val/loss", names={"tel": "val/loss", "trl": "train/loss"}),
    "modded_scaleup1b.txt": Log(pairs("step:"), "val_loss"),
    "sb3_monitor_fetchslide_60k.monitor.csv": Log(tables, "r", "max", steps=()),
    "torchbeast_douzero.logs.csv": Log(tables, "mean_episode_return_landlord", "max", steps=()),
    "drqv2_humanoid_walk_10seeds.csv": Log(tables, "episode_reward", "max"),
    "gail_kvlogger.progress.csv": Log(tables, "mean 100 episode reward", "max", steps=()),
    "cyclegan.loss_log.txt": Log(pairs("(epoch"), steps=()),
    "diffusion_lr1e-7.progress.csv": Log(tables, "loss"),
    "stylegan2ada.events.out.tfevents": Log(tensorboard, "Metrics/fid50k_full"),
    "mlperf_resnet_tpu128.result_0.txt": Log(mlperf, "eval_accuracy", "max"),
    "megatron_ds_gpt2.out": Log(barred, "lm loss"),
    "lerobot.train_log.txt": Log(pairs("INFO"), "loss", steps=()),
    "algoperf_diverge_inf_then_blank.measurements.csv": Log(tables, "validation/loss"),
    "algoperf_diverge_nan28.measurements.csv": Log(tables, "validation/wer"),
    "algoperf_blowup_vit.measurements.csv": Log(tables, "validation/accuracy", "max"),
    "algoperf_overfit_ogbg.measurements.csv": Log(
        tables, "validation/mean_average_precision", "max"
    ),
    "algoperf_wmt_bleu_rise.measurements.csv": Log(tables, "validation/bleu", "max"),
    "algoperf_healthy_vit.measurements.csv": Log(tables, "validation/accuracy", "max"),
}


def read_lines(path: Path) -> list[Line]:
    """The lines of a log in `LOGS`, found by its name."""
    log = LOGS[path.name]
    columns: dict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
    for number, row in enumerate(log.read(path)):
        step = next((int(row[name]) for name in log.steps if name in row), number)
        for metric, value in row.items():
            if metric not in {*log.steps, log.rank, ""}:
                name = log.names.get(metric, metric)
                columns[int(row.get(log.rank, 0)), name].append((step, value))
    return [
        line_of(
            metric,
            rank,
            np.array([step for step, _ in rows], np.int64),
            np.array([value for _, value in rows], np.float64),
        )
        for (rank, metric), rows in sorted(columns.items())
    ]


def evidence(path: Path) -> Evidence:
    """All that is known of a log in `LOGS`."""
    log = LOGS[path.name]
    mode = log.mode if log.monitor else None
    return Evidence(lines=read_lines(path), monitor=log.monitor, mode=mode, status="completed")
