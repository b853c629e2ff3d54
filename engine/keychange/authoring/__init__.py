"""Authoring: a new migration, drafted from what the project holds, planned, then written."""
