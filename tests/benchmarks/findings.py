"""What is found in the logs of real trainings.

``EVERYSTEP_REAL_LOGS=DIR PYTHONPATH=tests python tests/benchmarks/findings.py`` prints, for each log,
every finding with its severity, its rule and its text.
"""

import os
from pathlib import Path

from findings_logs import LOGS, evidence
from tabulate import tabulate

from compactor.findings import find_findings


def main() -> None:
    """Print the table."""
    folder = Path(os.environ["EVERYSTEP_REAL_LOGS"])
    rows = []
    for name in LOGS:
        found = find_findings(evidence(folder / name))
        rows += [(name, each.severity, each.rule, each.text) for each in found]
        rows += [] if found else [(name, "", "", "")]
    print(
        tabulate(
            rows, headers=("log", "severity", "rule", "text"), maxcolwidths=[30, None, None, 90]
        )
    )


if __name__ == "__main__":
    main()
