"""Drawing: from the lines of a run to the charts of its record."""
