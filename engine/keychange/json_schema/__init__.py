"""JSON Schema: a quick yes for what is valid, and every violation of what is not."""
