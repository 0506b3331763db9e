"""The hot path in C: one build for CPython 3.11 and all later ones. `pyproject.toml` has the rest."""

import sysconfig

from setuptools import Extension, setup

HOT_PATH = Extension(
    "logwriter.hotpath.compiled",
    ["logwriter/hotpath/compiled.c"],
    extra_compile_args=["-O2", "-Wall", "-Wextra"],
    py_limited_api=True,  # Python's stable ABI
    optional=True,  # without a compiler the same is done in Python, more slowly
)

if sysconfig.get_config_var("Py_GIL_DISABLED"):
    setup()  # free-threaded: its stable ABI is another, and rows take a lock, in Python
else:
    setup(ext_modules=[HOT_PATH], options={"bdist_wheel": {"py_limited_api": "cp311"}})
