"""Narration for the sample workspace."""
