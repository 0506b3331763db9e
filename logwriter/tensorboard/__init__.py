"""TensorBoard's `SummaryWriter`, writing a run: ``from logwriter.tensorboard import SummaryWriter``.

A drop-in for ``torch.utils.tensorboard.SummaryWriter`` (of PyTorch 2.13): only the import changes.
``log_dir`` is the run's folder. Neither PyTorch nor TensorBoard is imported, or needed.

What is the same: names and order of the arguments, tags, steps (truncated to whole numbers; 0 without
``global_step``), ``log_dir``, ``get_logdir``, ``file_writer``, ``all_writers``, use after ``close``.

What is not:

- Values are kept as float64, not rounded to float32. One that is not a number is left out, warned
  about once and counted, and does not raise. Values on a CUDA device are not waited for.
- `add_scalars` writes one row to this run, ``main_tag/tag`` each, not a run for each tag.
- `add_hparams` sets the configuration of this run and logs the metrics to it, at the current step
  where none is given; TensorBoard makes a run of its own.
- `add_text` is a message of the run. `add_histogram` logs statistics, listed there.
- Pictures, sounds, graphs, embeddings, curves and the like are not kept: each says so once.
- ``walltime`` is not used: rows have the times of the run's own clock, which never steps back. Said
  once. ``max_queue``, ``flush_secs`` and ``filename_suffix`` mean nothing here: each row is safe from
  the end of the process once its call returns.
- `flush` returns at once, since callers flush after every step. To have rows sealed and on the disk
  when it returns, ``writer.run.flush()``.
- A ``log_dir`` that holds a run gets a new attempt. Its first row with a step hides what was logged
  before from that step on, so that a repeated stretch is drawn once; a value without a step hides
  nothing. ``purge_step=S`` hides what was logged from step ``S`` on at once. Steps are taken in the
  order of the log, so a rare metric goes with the rows around it. Nothing is deleted.
- After `close`, the next value begins a new attempt that hides nothing.
- One writer a folder: a second, in this process or another, raises `WriterLockedError`. One that was
  never closed, and that nobody holds any more, is ended to make room.
- Leaving a ``with`` block by an exception records the run as failed.

``writer.run`` is the `Run` behind it, for all that TensorBoard has no word for.
"""

from logwriter.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
