"""Guessing: which strings of a project name a model, a device or a number type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from keychange.authoring.survey import Held, Survey
from keychange.secrets import looks_secret

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{1,95}/[A-Za-z0-9][\w.-]{1,95}")
_LOCAL_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?::[\w.-]+)?")
_MODEL_NAME = re.compile(
    r"(?:^|[_-])(?:models?|checkpoint|ckpt|repo|llm|tokenizer|pretrained|weights)"
    r"(?:$|[_-](?:id|name|repo|path|dir|default)s?$)",
    re.IGNORECASE,
)
_MODEL_VALUE = re.compile(
    r"(?i)(?:^|[-_./:])(?:\d+(?:\.\d+)?x?\d*[bm]|\d+-?bit|bf16|fp16|[qi]\d(?:_\w+)?|instruct|base"
    r"|chat|gguf|awq|gptq|whisper|bert|llama|qwen|mistral|gemma|phi|gpt|t5|clip|vit)(?:$|[-_./:\d])"
)
_FAMILY = re.compile(
    r"(?i)(?:mlx-community|qwen|meta-llama|mistralai|google|openai|microsoft|facebook|BAAI|nvidia"
    r"|sentence-transformers|stabilityai|deepseek-ai|huggingface\w*|tiiuae|bigscience|EleutherAI"
    r"|CompVis|runwayml|black-forest-labs|coqui|suno|intfloat|nomic-ai|unsloth|TheBloke)/.+"
)
_NO_MODEL = re.compile(
    r"(?i)(?:application|audio|font|image|message|multipart|text|video)/.*"
    r"|.*\.(?:py|js|ts|json|jsonc|ya?ml|toml|md|txt|sh|wav|mp3|mp4|png|jpe?g|csv|html?|css|db|log)"
)
_SETTINGS = {
    "device": re.compile(r"(?i)auto|cpu|gpu|mps|(?:cuda|xpu|npu)(?::\d+)?"),
    "dtype": re.compile(r"(?i)(?:torch\.)?(?:b?float(?:16|32|64)?|half|[bf]f?p?16|fp32|u?int[48])"),
}
_SETTING_NAME = re.compile(r"(?i)(?:^|[_-])(device|dtype)(?:$|[_-])")
_AT_MOST = 4
"""Values that a first migration names; the others are only listed."""


def names_model(held: Held, root: Path | None = None) -> bool:
    """Whether a string looks like the id of a model: by what it is called, and what it is.

    ``org/name`` counts where its name says so, or where a size, a number of bits or a known
    family does. A path that exists in ``root`` is a path.
    """
    value = held.value
    if held.part or held.place not in ("", "comparison", "key") or _NO_MODEL.fullmatch(value):
        return False
    if looks_secret(held.name, value, in_env=held.kind == "env"):
        return False
    called = _MODEL_NAME.search(_snake(held.name)) is not None
    if _HUB_ID.fullmatch(value):
        known = _FAMILY.fullmatch(value) or _MODEL_VALUE.search(value)
        return bool(called or known) and not (root and (root / value).exists())
    return called and bool(_LOCAL_ID.fullmatch(value)) and bool(_MODEL_VALUE.search(value))


def names_setting(held: Held) -> bool:
    """Whether a string is a device or a number type, under a name that says so."""
    called = _SETTING_NAME.search(_snake(held.name))
    if called is None or held.place or held.part:
        return False
    return _SETTINGS[called[1].lower()].fullmatch(held.value) is not None


def models(survey: Survey, root: Path) -> dict[str, tuple[Held, ...]]:
    """The values that look like models, with the sites that hold them; the most held first."""
    ids = {each.value for each in survey.held if names_model(each, root)}
    found: dict[str, list[Held]] = {}
    for held in survey.held:
        if held.value in ids and not held.part:
            found.setdefault(held.value, []).append(held)
    ordered = sorted(found.items(), key=lambda item: (-_weight(item[1]), item[0]))
    return {value: tuple(sites) for value, sites in ordered}


def worth_moving(found: Mapping[str, tuple[Held, ...]]) -> tuple[str, ...]:
    """The models that a first migration names: those that a site that can be changed sets."""
    settable = [value for value, sites in found.items() if any(not each.place for each in sites)]
    return tuple(settable[:_AT_MOST])


def variable_names(found: Iterable[tuple[str, tuple[Held, ...]]]) -> dict[str, str]:
    """A short name for each value: `model` for one alone, else after the site that holds it."""
    values = dict(found)
    if len(values) == 1:
        return {next(iter(values)): "model"}
    names: dict[str, str] = {}
    for value, sites in values.items():
        settable = [each for each in sites if not each.place] or list(sites)
        name = _snake(settable[0].name) or "model"
        name = re.sub(r"^default_|_(?:id|name)$", "", name) or "model"
        if not re.match(r"[a-z]", name):
            name = f"model_{name}".rstrip("_")
        same = sum(re.sub(r"_\d+$", "", each) == name for each in names.values())
        names[value] = f"{name}_{same + 1}" if same else name
    return names


def _weight(sites: Iterable[Held]) -> int:
    """Env keys and configs say what is in use; a default of a source is next."""
    return sum({"env": 3, "json": 2}.get(each.kind, 1) for each in sites if not each.place)


def _snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")
