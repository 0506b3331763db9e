"""W&B's offline files: blocks of records, and what they say."""
