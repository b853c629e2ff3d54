"""Room of documents: what verbs print as JSON, and the ledger, held against their schemas."""

import copy
import functools
import json

from jsonschema import Draft202012Validator

from keychange.json_schema.accept import acceptor
from keychange.resources import bundled_schema

OPEN = ("details", "found", "schema", "document", "evidence", "check", "then", "else")
"""Where others describe what is in it: a probe's report, a migration, a schema."""


@functools.cache
def closed(name):
    """A schema that ships, in which no object may have a member that is not described."""
    schema = copy.deepcopy(bundled_schema(name))
    _close(schema)
    return schema, acceptor(schema)


def _close(node, name=""):
    if isinstance(node, list):
        for each in node:
            _close(each)
    elif isinstance(node, dict):
        if "properties" in node and "title" in node and name not in OPEN:
            node.setdefault("additionalProperties", False)
        for inner, each in node.items():
            if inner in ("properties", "$defs"):
                for key, value in each.items():
                    _close(value, key)
            elif inner not in ("examples", "enum", "const", "required"):
                _close(each, inner)


def judged(name, document):
    """The document, which must be as the schema says, with nothing beside it."""
    schema, accepts = closed(name)
    if not (accepts and accepts(document)):
        errors = [
            f"{'/'.join(map(str, each.absolute_path))}: {each.message}"
            for each in Draft202012Validator(schema).iter_errors(document)
        ]
        assert not errors, errors
    return document


def printed(text):
    """The document that a verb has printed, judged."""
    return judged("output", json.loads(text))
