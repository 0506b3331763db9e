"""The offline half of everystep: from the complete log to one document."""
