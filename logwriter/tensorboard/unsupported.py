"""What TensorBoard keeps and a run does not: each method says so once, and does nothing.

They take any arguments, so that code written for TensorBoard goes on.
"""

import logging
import sys
from typing import Any

_log = logging.getLogger("everystep")


class Unsupported:
    """The methods of a `SummaryWriter` that keep something other than numbers and text."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said: set[str] = set()

    def add_tensor(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_tensor")

    def add_image(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_image")

    def add_images(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_images")

    def add_image_with_boxes(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_image_with_boxes")

    def add_figure(
        self,
        tag: str,  # noqa: ARG002  the names of the arguments are TensorBoard's
        figure: Any,
        global_step: Any = None,  # noqa: ARG002
        close: bool = True,
        walltime: float | None = None,  # noqa: ARG002
    ) -> None:
        """Not kept; closed as TensorBoard closes it, or figures would pile up in memory."""
        self._cannot("add_figure")
        pyplot = sys.modules.get("matplotlib.pyplot")
        if close and pyplot is not None:
            for each in figure if isinstance(figure, list) else [figure]:
                pyplot.close(each)

    def add_video(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_video")

    def add_audio(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_audio")

    def add_graph(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_graph")

    def add_onnx_graph(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_onnx_graph")

    def add_embedding(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_embedding")

    def add_pr_curve(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_pr_curve")

    def add_pr_curve_raw(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_pr_curve_raw")

    def add_mesh(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._cannot("add_mesh")

    def add_custom_scalars(self, *_: Any, **__: Any) -> None:
        """Not kept: ``writer.run.define(tag, chart=...)`` puts metrics into one chart."""
        self._cannot("add_custom_scalars")

    def add_custom_scalars_multilinechart(self, *_: Any, **__: Any) -> None:
        """Not kept, as `add_custom_scalars`."""
        self._cannot("add_custom_scalars_multilinechart")

    def add_custom_scalars_marginchart(self, *_: Any, **__: Any) -> None:
        """Not kept, as `add_custom_scalars`."""
        self._cannot("add_custom_scalars_marginchart")

    def say_once(self, about: str, text: str) -> None:
        """Warn, the first time that something is said about this."""
        if about not in self._said:
            self._said.add(about)
            _log.warning("everystep: %s", text)

    def _cannot(self, method: str) -> None:
        hint = (
            "; writer.run.define(tag, chart=...) puts metrics into one chart"
            if method.startswith("add_custom_scalars")
            else ": a run holds numbers and text"
        )
        self.say_once(method, f"{method}() keeps nothing here{hint}; further calls are silent")
