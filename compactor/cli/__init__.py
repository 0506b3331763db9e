"""The compactor's commands. They parse, call and print; errors are caught in `reports.cli`."""
