"""The ``.env`` format: read as its readers read it, edited by spans."""
