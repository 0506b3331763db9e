"""What is built in C, for CPython 3.11 and all later ones at once. `pyproject.toml` has the rest."""

import sysconfig

from setuptools import Extension, setup


def in_c(folder: str) -> Extension:
    """The module ``compiled`` of a package; without a compiler the same is done in Python."""
    return Extension(
        f"{folder.replace('/', '.')}.compiled",
        [f"{folder}/compiled.c"],
        extra_compile_args=["-O2", "-Wall", "-Wextra", "-ffp-contract=off"],  # bits as in Python
        py_limited_api=True,  # Python's stable ABI
        optional=True,
    )


if sysconfig.get_config_var("Py_GIL_DISABLED"):
    setup()  # free-threaded: its stable ABI is another, and rows take a lock, in Python
else:
    setup(
        ext_modules=[
            in_c("logwriter/hotpath"),
            in_c("compactor/sampling/pruning"),
            in_c("compactor/fold/summing"),
        ],
        options={"bdist_wheel": {"py_limited_api": "cp311"}},
    )
