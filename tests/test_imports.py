"""The storeys: who may import whom, and what an import may cost."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "logwriter": {"logwriter"},
    "compactor": {"compactor", "logwriter"},
    "reports": {"reports", "compactor", "logwriter"},
}


def imported_packages(package: str) -> Iterator[tuple[Path, str]]:
    """Every file of a package, with each top-level package that it imports, at any depth."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                yield path, (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_storey_imports_only_those_below_it(package: str) -> None:
    """Read from the source, late imports included."""
    found = list(imported_packages(package))
    assert found
    for path, name in found:
        assert name not in MAY_IMPORT or name in MAY_IMPORT[package], f"{path} imports {name}"


@pytest.mark.parametrize(
    ("package", "home"),
    [
        ("duckdb", "compactor"),
        ("matplotlib", "reports"),
        ("jinja2", "reports"),
    ],
)
def test_a_heavy_library_has_one_home(package: str, home: str) -> None:
    """The scan is the compactor's, drawing the reports'."""
    users = {
        path for storey in MAY_IMPORT for path, name in imported_packages(storey) if name == package
    }
    assert users
    assert {path.relative_to(ROOT).parts[0] for path in users} == {home}


def test_only_one_module_talks_to_duckdb() -> None:
    """One place to look for SQL, and for what is bound in it."""
    users = {
        path.name
        for storey in MAY_IMPORT
        for path, name in imported_packages(storey)
        if name == "duckdb"
    }
    assert users == {"source.py"}


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after ``code``."""
    program = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(result.stdout.split())


HEAVY = {"torch", "duckdb", "polars", "matplotlib", "pyarrow", "numpy", "sklearn", "jinja2"}


@pytest.mark.parametrize(
    "code",
    [
        "import logwriter",
        "from logwriter import Run",
        "from logwriter.tensorboard import SummaryWriter",
        "import compactor",
        "import reports",
        "from reports.cli import main",
    ],
)
def test_an_import_is_light(code: str) -> None:
    """Nothing heavy is loaded before it is used."""
    assert not loaded_by(code) & HEAVY


def test_a_first_attempt_loads_nothing_heavy(tmp_path: Path) -> None:
    """It starts at once; what sealing needs is loaded where it is needed, beside the loop."""
    code = f"from logwriter import Run; run = Run({str(tmp_path / 'run')!r}); run.log({{'a': 1}})"
    assert not loaded_by(code + "; run.log({'b': 2})") & HEAVY
