"""The log writer."""
