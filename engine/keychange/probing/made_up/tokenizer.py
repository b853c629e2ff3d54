"""The text tokenizer of a made-up checkpoint: every byte is a token, and so is ``assistant``.

``assistant`` has to be one token because mlx-audio cuts the chat template off by its length.
"""

from __future__ import annotations

import json
from typing import Any, Final

_WORD: Final = "assistant"


def byte_alphabet() -> list[str]:
    """A printable character for every byte, in the order of the bytes.

    Source: ``bytes_to_unicode`` of GPT-2's encoder.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters |= {byte: chr(256 + index) for index, byte in enumerate(others)}
    return [characters[byte] for byte in range(256)]


def template_tokens(config: dict[str, Any]) -> frozenset[int]:
    """The tokens that frame a text: special ones, ``assistant`` and the newline."""
    start = config["im_start_token_id"]
    keys = ("im_end_token_id", "tts_bos_token_id", "tts_eos_token_id")
    word = 256 + len(_WORD) - 2  # the last of its merges
    return frozenset({ord("\n"), word, start - 1, start, *(config[key] for key in keys)})


def tokenizer_files(config: dict[str, Any]) -> dict[str, str]:
    """``vocab.json``, ``merges.txt`` and ``tokenizer_config.json`` as text, by name."""
    vocabulary = {character: index for index, character in enumerate(byte_alphabet())}
    merges = []
    for length in range(1, len(_WORD)):
        merges.append(f"{_WORD[:length]} {_WORD[length]}")
        vocabulary[_WORD[: length + 1]] = len(vocabulary)
    start = config["im_start_token_id"]
    special = {
        start - 1: "<|endoftext|>",
        start: "<|im_start|>",
        config["im_end_token_id"]: "<|im_end|>",
        config["tts_pad_token_id"]: "<tts_pad>",
        config["tts_bos_token_id"]: "<tts_text_bos>",
        config["tts_eos_token_id"]: "<tts_text_eod>",
    }
    for token in range(len(vocabulary), start - 1):
        vocabulary[f"<unused{token}>"] = token
    for token in range(config["im_end_token_id"] + 1, config["tts_pad_token_id"]):
        special[token] = f"<|reserved{token}|>"
    return {
        "vocab.json": json.dumps(vocabulary, ensure_ascii=False),
        "merges.txt": "\n".join(("#version: 0.2", *merges, "")),
        "tokenizer_config.json": json.dumps(_settings(special), indent=2),
    }


def _settings(special: dict[int, str]) -> dict[str, Any]:
    plain = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    return {
        "add_prefix_space": False,
        "added_tokens_decoder": {
            str(token): {"content": content, **plain, "special": True}
            for token, content in sorted(special.items())
        },
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "errors": "replace",
        "model_max_length": 131072,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
    }
