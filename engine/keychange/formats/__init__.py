"""Formats: find sites in the bytes of a file, losslessly; none re-serialises a file."""
