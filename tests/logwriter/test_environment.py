"""What a run records of its surroundings, and what it must not record."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from logwriter import Run, read
from logwriter import environment as env
from logwriter.masking import mask_arguments, names_a_secret, without_credentials


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, untouched by what the user has configured."""
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
    )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit on the branch ``topic``, which is the working directory."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "train.py").write_text("pass\n")
    git(folder, "init", "--quiet", "--initial-branch", "topic")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    monkeypatch.chdir(folder)
    return folder


def facts_of(path: Path) -> dict[str, Any]:
    """The environment that a run recorded."""
    started = read(path).state.first.started
    assert started is not None
    return started.environment


def test_a_run_records_program_machine_libraries_and_commit(checkout: Path, run_path: Path) -> None:
    """All that one needs to find the code and the machine again."""
    git(checkout, "remote", "add", "origin", "https://bob:hunter2@git.example.org/team/code.git")
    with Run(run_path, config={"lr": 0.1}):
        pass
    facts = facts_of(run_path)
    assert facts["argv"] == sys.argv
    assert facts["cwd"] == str(checkout)
    assert facts["executable"] == sys.executable
    assert facts["python"] == sys.version.split()[0]
    assert facts["cpus"] >= 1
    assert facts["libraries"]["numpy"]
    assert len(facts["git"].pop("commit")) == 40
    assert facts["git"] == {
        "branch": "topic",
        "remote": "https://git.example.org/team/code.git",
        "dirty": False,
    }
    assert b"hunter2" not in next(run_path.rglob("events.jsonl")).read_bytes()


def test_a_changed_file_makes_the_checkout_dirty_and_a_new_one_does_not(checkout: Path) -> None:
    """Outputs lie around in most checkouts; only tracked files tell what ran."""
    (checkout / "output.txt").write_text("x")
    assert env.describe_environment()["git"]["dirty"] is False
    (checkout / "train.py").write_text("print()\n")
    assert env.describe_environment()["git"]["dirty"] is True


def test_outside_a_checkout_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor in one without a commit, nor without git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert env.describe_environment()["git"] is None
    git(tmp_path, "init", "--quiet")
    assert env.describe_environment()["git"] is None
    monkeypatch.setenv("PATH", "")
    assert env.describe_environment()["git"] is None


def test_a_slow_git_costs_two_seconds_at_most(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had not said by then is not known; the rest is kept."""
    slow = checkout.parent / "bin/git"
    slow.parent.mkdir()
    slow.write_text('#!/bin/sh\n[ "$1" = status ] && exec sleep 30\nprintf "%s\\n" abc topic\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(env, "_GIT_SECONDS", 0.5)
    begun = time.monotonic()
    facts = env.describe_environment()["git"]
    assert time.monotonic() - begun < 5
    assert (facts["commit"], facts["dirty"]) == ("abc", None)


def test_a_deleted_working_directory_keeps_no_run_from_starting(
    tmp_path: Path, run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no name any more."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with Run(run_path):
        pass
    monkeypatch.chdir(tmp_path)
    assert facts_of(run_path)["cwd"] is None


def test_cuda_is_never_initialised_for_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of GPUs are asked for only where the program has begun to use them."""

    def forbidden(*_: object) -> str:
        raise AssertionError("this would initialise CUDA")

    cuda = SimpleNamespace(
        is_initialized=lambda: False, device_count=forbidden, get_device_name=forbidden
    )
    torch = SimpleNamespace(cuda=cuda, version=SimpleNamespace(cuda="13.0"), __version__="2.13")
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert env.describe_environment()["gpus"] is None


def test_gpus_in_use_are_named_with_their_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's version is the kernel's word."""
    version = tmp_path / "version"
    version.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27\n")
    monkeypatch.setattr(env, "_DRIVER", version)
    cuda = SimpleNamespace(
        is_initialized=lambda: True, device_count=lambda: 2, get_device_name="H200 {}".format
    )
    torch = SimpleNamespace(cuda=cuda, version=SimpleNamespace(cuda="13.0"), __version__="2.13")
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert env.describe_environment()["gpus"] == {
        "names": ["H200 0", "H200 1"],
        "cuda": "13.0",
        "driver": "580.65.06",
    }
    version.unlink()
    assert env.describe_environment()["gpus"]["driver"] is None


def test_torch_is_not_imported_for_a_fact(tmp_path: Path) -> None:
    """A run of a program without torch stays without it."""
    code = f"import sys; from logwriter import Run; Run({str(tmp_path / 'run')!r}).finish(); print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout == "False\n"


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        (["--api-key=abc"], ["--api-key=***"]),
        (["--token", "xyz", "--lr", "0.1"], ["--token", "***", "--lr", "0.1"]),
        (["--password", "-x-"], ["--password", "***"]),
        (["--password", "--lr", "1"], ["--password", "--lr", "1"]),
        (["wandb.api_key=abc", "model.lr=1"], ["wandb.api_key=***", "model.lr=1"]),
        (["+hub.hfToken=abc"], ["+hub.hfToken=***"]),
        (["WANDB_API_KEY=abc"], ["WANDB_API_KEY=***"]),
        (["-password", "x"], ["-password", "***"]),
        (["--db", "postgres://bob:pw@host/db"], ["--db", "postgres://***@host/db"]),
        (["--hub", "hf_abcdefghijklmnopqrstuvwx"], ["--hub", "***"]),
        (["x=sk-abcdefghijklmnopqrstuvwx"], ["x=***"]),
        (["--max-tokens=512", "--lr=0.1", "a.py"], ["--max-tokens=512", "--lr=0.1", "a.py"]),
        (["--url", "https://host/a:b@c"], ["--url", "https://host/a:b@c"]),
        (["--token"], ["--token"]),
        ([], []),
    ],
)
def test_secrets_on_the_command_line_are_masked(given: list[str], recorded: list[str]) -> None:
    """By the name of the argument, or by the shape of a well-known key; the rest stays as it was."""
    assert mask_arguments(given) == recorded


def test_a_masked_argument_never_reaches_the_disk(tmp_path: Path) -> None:
    """Through a real command line, to the bytes of the run."""
    code = f"from logwriter import Run; Run({str(tmp_path / 'run')!r}).finish()"
    secrets = ["--wandb-key=S3CRET1", "--hf_token", "S3CRET2", "--aws-secret-access-key", "S3CRET3"]
    subprocess.run([sys.executable, "-c", code, *secrets], check=True)
    data = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"--hf_token" in data
    assert b"S3CRET" not in data


def test_names_of_vocabularies_and_data_sets_are_no_secrets() -> None:
    """Masking them would cost facts that people look for."""
    harmless = "tokenizer max-tokens num_tokens pad-token eos_token token-dropout key sort_key"
    harmless += " label-key image_key tokens_per_batch passes keyword author 3 "
    assert [name for name in harmless.split() if names_a_secret(name)] == []
    telling = "token hf-token auth_token api-key apikey API_KEY openaiKey access_key.aws_secret pwd"
    assert [name for name in telling.split() if not names_a_secret(name)] == []


@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("https://bob:pw@host/a.git", "https://host/a.git"),
        ("https://bob:p@w@host/a.git", "https://host/a.git"),
        ("https://ghp_abcdefghijklmnop@host/a.git", "https://host/a.git"),
        ("https://host/a@b.git", "https://host/a@b.git"),
        ("ssh://git@host:22/a.git", "ssh://git@host:22/a.git"),
        ("ssh://git:pw@host/a.git", "ssh://host/a.git"),
        ("git@host:team/a.git", "git@host:team/a.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
    ],
)
def test_an_address_loses_user_and_password(url: str, recorded: str) -> None:
    """A token in the place of the user, too; the user of ssh is no secret."""
    assert without_credentials(url) == recorded


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, (0, 1, None)),
        ({"RANK": "1", "WORLD_SIZE": "4", "TORCHELASTIC_RUN_ID": "x"}, (1, 4, "x.0")),
        (
            {"TORCHELASTIC_RUN_ID": "x", "TORCHELASTIC_RESTART_COUNT": "2", "SLURM_JOB_ID": "7"},
            (0, 1, "x.2"),
        ),
        ({"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "1"}, (0, 1, None)),
        (
            {
                "TORCHELASTIC_RUN_ID": "none",
                "TORCHELASTIC_RESTART_COUNT": "1",
                "SLURM_JOB_ID": "7",
                "RANK": "3",
                "WORLD_SIZE": "8",
                "SLURM_PROCID": "0",
                "SLURM_NTASKS": "2",
            },
            (3, 8, "7.0.1"),
        ),
        (
            {
                "SLURM_PROCID": "2",
                "SLURM_NTASKS": "3",
                "SLURM_JOB_ID": "7",
                "SLURM_RESTART_COUNT": "1",
            },
            (2, 3, "7.1"),
        ),
        (
            {
                "OMPI_COMM_WORLD_RANK": "1",
                "OMPI_COMM_WORLD_SIZE": "2",
                "PMIX_NAMESPACE": "prterun-a-1@1",
            },
            (1, 2, "prterun-a-1@1"),
        ),
        ({"RANK": "x", "WORLD_SIZE": "2"}, (0, 1, None)),
    ],
)
def test_launchers_tell_rank_size_and_launch(
    environ: dict[str, str], found: tuple[int, int, str | None]
) -> None:
    """The innermost launcher's word counts; a launch id is the same for its ranks and no others."""
    ranks = env.find_ranks(environ, None, None)
    assert (ranks.rank, ranks.world_size, ranks.launch_id) == found


def test_what_the_caller_says_comes_before_the_launcher() -> None:
    """One rank that logs alone says so."""
    environ = {"RANK": "3", "WORLD_SIZE": "8"}
    assert env.find_ranks(environ, 0, 1) == env.Ranks(0, 1, None)
    assert env.find_ranks(environ, 9, None).world_size == 10
