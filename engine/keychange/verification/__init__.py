"""Verification: what must hold before the files are written, and what is checked afterwards."""
