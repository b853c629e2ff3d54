"""What looks like a secret: by the words of its name, or by the shape of its value."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

MASK = "••••"
"""What is shown in place of a secret."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORD = re.compile(
    r"apikey|auth|bearer|cert|cookie|credentials?|creds|dsn|jwt|keys?|mnemonic|pass|passphrase"
    r"|passwd|passwords?|pat|pin|private|pw|pwd|salt|secrets?|session|sig|signature|tokens?|webhook"
)
_PUBLIC_ENDINGS = frozenset({"dir", "file", "name", "path", "ttl", "type"})
"""What a name ends with when it only speaks about a secret: ``KEY_PATH``, ``TOKEN_TTL``."""

_DIGEST_WORDS = frozenset({"checksum", "commit", "digest", "hash", "rev", "revision", "sha"})
"""Names whose values look random and are public: a model's pinned revision."""

_ISSUED = re.compile(
    r"""
      \b [sprk]k [-_] [A-Za-z0-9_-]{8,}                  # OpenAI, Anthropic, Stripe
    | \b hf_ [A-Za-z0-9]{8,}                             # Hugging Face
    | \b (?: gh[opusr]_ | github_pat_ | glpat- | npm_ | pypi- | xai- ) [A-Za-z0-9_-]{8,}
    | \b A[KS]IA [A-Z0-9]{12,}                           # AWS
    | \b AIza [A-Za-z0-9_-]{20,}                         # Google
    | \b xox [a-z] - [A-Za-z0-9-]{8,}                    # Slack
    | -----BEGIN\s (?s: .*? ) (?: -----END [\ A-Z0-9]* -{0,5} | \Z )    # PEM
    | \b eyJ [A-Za-z0-9_-]+ \. eyJ [A-Za-z0-9_-]+        # JWT
    | :// [^/\s:@]* : [^/\s@]+ @                         # user:password@host
    """,
    re.VERBOSE,
)
_RANDOM = re.compile(
    r"(?<![A-Za-z0-9_+/.-])(?=[A-Za-z+]*[0-9])(?=[0-9+]*[A-Za-z])[A-Za-z0-9+]{24,}={0,2}"
)

_PLAIN_WORDS = frozenset(
    {"apikey", "credential", "credentials", "passphrase", "passwd", "password", "pwd", "secret"}
)
_QUALIFIERS = frozenset(
    {
        "access",
        "api",
        "auth",
        "bearer",
        "bot",
        "client",
        "encryption",
        "github",
        "hf",
        "huggingface",
    }
    | {"openai", "private", "refresh", "secret", "service", "session", "signing", "webhook", "xai"}
)


def looks_secret(name: str, value: object = None, *, in_env: bool = True) -> bool:
    """Whether a value should be masked wherever it is shown, by its name or by itself.

    A name counts by whole words (``HF_TOKEN``, ``openaiApiKey``; not ``MONKEY``, ``KEYBOARD``).
    In a config or a source, not ``in_env``, words such as ``narration_key`` and ``eos_token``
    are everyday, and only a credential's full name counts: ``api_key``, ``hf_token``,
    ``password``. A value counts by the prefixes that issuers give their secrets, by PEM and JWT
    shapes, by a password inside a URL, and by a long run of mixed letters and digits.
    """
    text = value if isinstance(value, str) else None
    judge = _judged if text is None or len(text) < _LONG else _judged.__wrapped__
    return judge(name, text, in_env)


_LONG = 1000


@lru_cache(maxsize=4096)  # ten thousand configs hold the same few
def _judged(name: str, value: str | None, in_env: bool) -> bool:  # noqa: FBT001 (a key)
    words = [word.lower() for word in _WORDS.findall(name)]
    named = any(map(_SECRET_WORD.fullmatch, words)) if in_env else _names_credential(words)
    if named and words[-1] not in _PUBLIC_ENDINGS:
        return True
    if value is None:
        return False
    if _ISSUED.search(value):
        return True
    return _DIGEST_WORDS.isdisjoint(words) and _RANDOM.search(value) is not None


def _names_credential(words: list[str]) -> bool:
    return not _PLAIN_WORDS.isdisjoint(words) or any(
        first in _QUALIFIERS and second in ("key", "token") for first, second in pairwise(words)
    )


def without_secrets(text: str) -> str:
    """The text with everything masked that has the shape of an issued secret."""
    return _ISSUED.sub(MASK, text)
