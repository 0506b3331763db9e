"""Several runs side by side: gathered, judged by one metric, told as a table, drawn as overlays.

sources -> records; labels, settings and judging -> `result.Comparison`; tracks, averaging and overlays -> one
record whose charts hold a line for each run; drawing, page and text show it.
"""
