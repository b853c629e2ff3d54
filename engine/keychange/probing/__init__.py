"""The probe: synthesise speech in the target project's interpreter, and say whether it worked."""
