"""TensorBoard's event files: records, events, and how folders make runs."""
