"""The baseline: the model that is in use, probed before it is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keychange.checks import probe, probe_of
from keychange.diagnostics import Diagnostic, note
from keychange.model import Json, Migration, Step
from keychange.options import Options
from keychange.outcome import CheckOutcome
from keychange.preconditions import project_environment
from keychange.probing.verdict import Verdict
from keychange.templates import Templates
from keychange.verification.model.cache import inspect_model


def measure(
    root: Path, migration: Migration, step: Step, templates: Templates, options: Options
) -> CheckOutcome | Diagnostic:
    """Probe the model that the step's sites hold now, with the same voice and interpreter.

    Returns:
        What the probe said, or a note that says why there is no baseline.
    """
    check = probe_of(migration)
    if check is None:
        return _none(f"{migration.revision} declares no probe")
    new = templates.text(str(check.options["model"]))
    replaced = [site.before for site in step.sites if site.changes and site.after == new]
    old = dict.fromkeys(each for each in replaced if isinstance(each, str))
    if not old:
        return _none(f"no site holds a model that {new} replaces")
    environment = project_environment(root, migration, templates, options)
    cached = next((each for each in old if inspect_model(each, environment).ok), None)
    if cached is None:
        return _none(f"{' and '.join(old)} is not whole in the hub cache")
    choices: Mapping[str, Json] = {**check.options, "model": cached, "expect": {}}
    options.progress(f"baseline: probing {cached}, which is in use now")
    found = probe(
        root, migration, check._replace(options=choices), templates, options, suffix="-baseline"
    )
    return found._replace(name="baseline", diagnostics=())


def already_broken(before: CheckOutcome) -> Diagnostic | None:
    """A note for a check that failed, where that is no news: the old model did not pass either."""
    if before.verdict is Verdict.PASS:
        return None
    message = f"it was already broken; the model in use before: {before.headline}"
    hint = "mend this first: it is not the migration that broke it"
    return note("already-broken", message, hint=hint)


def _none(why: str) -> Diagnostic:
    return note("no-baseline", f"nothing was probed before the change: {why}")
