"""Rendering: plans, outcomes and diagnostics as text, JSON and annotations; secrets end here."""
