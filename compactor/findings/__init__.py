"""What a log shows that a person should know: pure rules over lines, no files and no clocks.

`find_findings` asks each family of rules in turn and puts what they found in order: the most severe
first, then by step, then by metric. Where one rule holds for several metrics or ranks, the one that
matters most speaks for all. No rule asks how large a metric is, only how it compares with what it
gained or with its own noise: scaling a metric by a positive factor, or adding a constant to it, changes
no verdict, save that of ``underfitting``, which compares a loss with 0.
"""

from compactor.findings.diverging import divergence
from compactor.findings.evidence import Evidence
from compactor.findings.fitting import overfitting, underfitting
from compactor.findings.progress import early_stopping, plateau
from compactor.findings.ranks import differing_ranks, lagging_ranks, silent_ranks
from compactor.findings.report import in_order, merged
from compactor.findings.spiking import spikes
from compactor.findings.swinging import oscillation
from compactor.findings.values import constant, non_finite
from compactor.record import Finding

__all__ = ["Evidence", "find_findings"]


def find_findings(evidence: Evidence) -> list[Finding]:
    """All that is to be said of a run.

    What is worse explains what is less: held-out data that get worse while training goes on are
    overfitted, not diverged; what diverged is not called oscillating or underfitted too, nor is what
    never changes underfitted; and what comes after a divergence or an overfitting is no plateau.

    Args:
        evidence: The run.

    Returns:
        At most one finding a rule, the most severe first; then by step, then by metric.
    """
    overfitted = overfitting(evidence)
    explained = {each.metric for each in overfitted}
    diverged = [each for each in divergence(evidence) if each.metric not in explained]
    unchanging = constant(evidence)
    found = [
        *non_finite(evidence),
        *diverged,
        *overfitted,
        *underfitting(evidence, diverged + unchanging),
        *plateau(evidence, diverged + overfitted),
        *oscillation(evidence, diverged),
        *spikes(evidence, diverged),
        *unchanging,
        *early_stopping(evidence),
        *silent_ranks(evidence),
        *lagging_ranks(evidence),
        *differing_ranks(evidence),
    ]
    return in_order(merged(found, evidence.monitor))
