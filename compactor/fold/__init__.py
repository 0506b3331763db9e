"""The fold: rows become cells, cells merge into buckets and epochs, and these make a line."""

from compactor.fold.assembly import assemble, line_of, line_of_points

__all__ = ["assemble", "line_of", "line_of_points"]
