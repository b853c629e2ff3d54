"""The JSON format, with or without comments: read by spans, edited by spans."""
