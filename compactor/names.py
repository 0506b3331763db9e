"""What a metric's name says: which values are good, and on which chart it belongs."""

import difflib
import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["min", "max"]

_SMALL = frozenset(
    "bpb bpc bpd brier cer cost ece eer err error errors fid kid loss losses lpips mae mape mse nll "
    "perplexity ppl regret rmse rmsle smape ter wer".split()
)
_LARGE = frozenset(
    "acc accuracy ap auc auprc auroc bleu chrf cider correct dice f1 iou jaccard kappa map mcc meteor "
    "miou mrr ndcg precision psnr r2 recall return returns reward rewards roc rouge "
    "sensitivity specificity ssim success winrate".split()
)
_WEAK = frozenset({"score", "scores"})
"""They mean that large values are good, unless another word says otherwise: a Brier score."""
_ASIDE = frozenset(
    "code coef coefficient count gap scale size std stdev var variance weight weights".split()
)
"""A name that ends in one of these is about a metric, and is not it: the scale of a loss."""
_SPLITS = "train training val valid validation dev eval evaluation test testing".split()
_PREFIX = re.compile(rf"({'|'.join(_SPLITS)})[/_.:](.+)", re.IGNORECASE)
_SUFFIX = re.compile(rf"(.+)/({'|'.join(_SPLITS)})", re.IGNORECASE)
_TITLES = {
    "acc": "Accuracy",
    "accuracy": "Accuracy",
    "auc": "AUC",
    "bleu": "BLEU",
    "f1": "F1",
    "grad_norm": "Gradient norm",
    "gradient_norm": "Gradient norm",
    "iou": "IoU",
    "learning_rate": "Learning rate",
    "lr": "Learning rate",
    "mae": "MAE",
    "map": "mAP",
    "mse": "MSE",
    "ppl": "Perplexity",
    "rmse": "RMSE",
    "wer": "Word error rate",
}


def direction(metric: str) -> Mode | None:
    """Whether small or large values of a metric are good, by the last telling word of its name."""
    weak: Mode | None = None
    for place, word in enumerate(reversed(re.split(r"[^A-Za-z0-9]+", metric))):
        parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word).lower().split()
        if place == 0 and parts and parts[-1] in _ASIDE:
            return None
        if parts and parts[-1] in _WEAK:
            weak = "max"
        for known in (word.lower(), word.lower().rstrip("0123456789"), *reversed(parts)):
            if known in _SMALL:
                return "min"
            if known in _LARGE:
                return "max"
    return weak


def chart_and_line(metric: str) -> tuple[str, str]:
    """The chart and the line that draw a metric.

    ``train/loss``, ``train_loss`` and ``loss/train`` are the line ``train`` of the chart ``loss``;
    a name that speaks of no split is a chart of its own.
    """
    if match := _PREFIX.fullmatch(metric):
        return match[2], match[1]
    if match := _SUFFIX.fullmatch(metric):
        return match[1], match[2]
    return metric, metric


def line_order(line: str) -> tuple[int, str]:
    """Training before validation before test, then by name."""
    split = line.lower()
    return (_SPLITS.index(split) if split in _SPLITS else len(_SPLITS), line)


def title(chart: str) -> str:
    """A chart's title: ``loss`` is "Loss", ``lr`` "Learning rate"."""
    known = _TITLES.get(chart.lower())
    words = chart if "/" in chart else chart.replace("_", " ").strip() or chart
    return known or words[:1].upper() + words[1:]


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names for an error message, the first ones of very many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def close_to(name: str, names: Sequence[str]) -> str:
    """The end of a sentence: a question that names the closest matches, or a full stop."""
    folded = {known.lower(): known for known in names}
    matches = difflib.get_close_matches(name.lower(), folded, n=3)
    return f"; did you mean {' or '.join(folded[match] for match in matches)}?" if matches else "."
