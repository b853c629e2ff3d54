"""The program reads from left to right: a module imports only from what stands to its left."""

import ast
from pathlib import Path

import keychange

PACKAGE = Path(keychange.__file__).parent

# Longest prefix wins. Modules of one room may import one another.
ORDER = (
    "keychange",
    "keychange.regular",
    "keychange.warm.seals",
    "keychange.warm.store",
    "keychange.warm.checkout",
    "keychange.warm.replay",
    "keychange.closest_name",
    "keychange.activity",
    "keychange.interruption",
    "keychange.decoding",
    "keychange.spans",
    "keychange.spreading",
    "keychange.edits",
    "keychange.diagnostics",
    "keychange.errors",
    "keychange.model",
    "keychange.secrets",
    "keychange.resources",
    "keychange.schemas",
    "keychange.templates",
    "keychange.programs",
    "keychange.yaml_data",
    "keychange.formats",
    "keychange.json_schema",
    "keychange.migration_schema",
    "keychange.json_summary",
    "keychange.operations",
    "keychange.loader",
    "keychange.history",
    "keychange.settings",
    "keychange.outgoing",
    "keychange.git",
    "keychange.patterns",
    "keychange.closest_path",
    "keychange.reading",
    "keychange.searching",
    "keychange.snapshot",
    "keychange.ledger",
    "keychange.ledger_file",
    "keychange.project",
    "keychange.left_behind",
    "keychange.planning",
    "keychange.validation",
    "keychange.transaction",
    "keychange.authoring",
    "keychange.plan_file",
    "keychange.options",
    "keychange.probing.verdict",
    "keychange.outcome",
    "keychange.probing.known_failures",
    "keychange.probing.failures",
    "keychange.probing.harmless",
    "keychange.verification",
    "keychange.probing",
    "keychange.preconditions",
    "keychange.checks",
    "keychange.carriers",
    "keychange.baseline",
    "keychange.standing",
    "keychange.warm",
    "keychange.opening",
    "keychange.doctor",
    "keychange.restoring",
    "keychange.run",
    "keychange.stamping",
    "keychange.renumbering",
    "keychange.workflow",
    "keychange.evidence",
    "keychange.linting",
    "keychange.api",
    "keychange.explanations",
    "keychange.render",
    "keychange.cli",
    "keychange.__main__",
)


def room(module: str) -> int:
    fitting = [each for each in ORDER if module == each or module.startswith(each + ".")]
    return ORDER.index(max(fitting, key=len))


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative imports hide where a module comes from"
            inner = PACKAGE.parent.joinpath(*node.module.split("."))
            for alias in node.names:
                is_module = (inner / alias.name).is_dir() or (inner / f"{alias.name}.py").is_file()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return {each for each in found if each == "keychange" or each.startswith("keychange.")}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_every_module_has_a_room_of_its_own():
    homeless = [name for name, _ in modules() if name != "keychange" and room(name) == 0]
    assert homeless == []


def test_modules_import_only_from_the_left():
    wrong = [
        f"{name} imports {other}"
        for name, path in modules()
        for other in imported(ast.parse(path.read_bytes()))
        if room(other) > room(name)
    ]
    assert wrong == []


def test_the_worker_imports_nothing_of_keychange():
    worker = PACKAGE / "probing" / "worker.py"
    assert imported(ast.parse(worker.read_bytes())) == set()


def test_each_module_says_in_its_first_line_what_room_it_is():
    silent = [
        name for name, path in modules() if not ast.get_docstring(ast.parse(path.read_bytes()))
    ]
    assert silent == []
