"""The files of one snapshot: links, JSON documents and safetensors headers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keychange.diagnostics import Diagnostic, Severity
from keychange.probing import failures
from keychange.verification.model.safetensors import (
    DamagedFileError,
    Header,
    StoredTensor,
    read_header,
)


class Findings(list[Diagnostic]):
    """The diagnostics of one model, made by code."""

    def __init__(self, model_id: str) -> None:
        super().__init__()
        self.model_id = model_id

    def add(self, code: str, message: str, severity: Severity = Severity.ERROR) -> None:
        """Add one, with the hint and the command of its code."""
        self.append(failures.diagnostic(code, message, model=self.model_id, severity=severity))


def check_links(snapshot: Path, findings: Findings) -> None:
    """Report every link of the snapshot whose blob is gone."""
    for path in sorted(snapshot.rglob("*")):
        if path.is_symlink() and not path.exists():
            name = path.relative_to(snapshot)
            findings.add("model-link-dangling", f"{name} points to a blob that is gone: {path}")


def read_json(snapshot: Path, name: str, findings: Findings) -> dict[str, Any] | None:
    """A JSON object of the snapshot; None, and reported, where it cannot be had."""
    path = snapshot / name
    if path.is_symlink() and not path.exists():
        return None  # reported as a dangling link
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        findings.add("model-file-missing", f"{name} is missing in {snapshot}")
    except (OSError, ValueError) as problem:
        findings.add("model-config-invalid", f"{name} cannot be read: {problem}")
    else:
        if isinstance(document, dict):
            return document
        findings.add("model-config-invalid", f"{name} holds no JSON object")
    return None


def read_weights(snapshot: Path, folder: str, findings: Findings) -> list[Header]:
    """The headers of the safetensors files of one folder; those that are damaged are reported."""
    headers = []
    for path in sorted((snapshot / folder).glob("*.safetensors")):
        name = path.relative_to(snapshot)
        if not path.exists():
            continue  # reported as a dangling link
        try:
            header = read_header(path)
        except (DamagedFileError, OSError) as problem:
            findings.add("model-file-damaged", f"{name} is damaged: {problem}")
            continue
        headers.append(header)
        if header.truncated:
            findings.add(
                "model-file-truncated", f"{name} has {header.size} of {header.expected} bytes"
            )
    return headers


def merged(headers: Iterable[Header]) -> dict[str, StoredTensor]:
    """The tensors of several files together."""
    return {name: tensor for header in headers for name, tensor in header.tensors.items()}
