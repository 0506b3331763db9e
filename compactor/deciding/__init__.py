"""Deciding: by which metric, which point was best, what else was true there, where its checkpoint is."""
