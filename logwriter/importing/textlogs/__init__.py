"""Lines of text logs: pairs of names and numbers, patterns, and a few tools' own ways."""
