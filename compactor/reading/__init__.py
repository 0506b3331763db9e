"""Reading: the verified log, scanned once, as lines, with whole lines and single rows at hand."""
