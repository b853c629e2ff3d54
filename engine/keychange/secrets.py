"""What looks like a secret: by the words of its name, or by the shape of its value."""

from __future__ import annotations

import re

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
    | -----BEGIN\s                                       # PEM
    | \b eyJ [A-Za-z0-9_-]+ \. eyJ [A-Za-z0-9_-]+        # JWT
    | :// [^/\s:@]* : [^/\s@]+ @                         # user:password@host
    """,
    re.VERBOSE,
)
_RANDOM = re.compile(
    r"(?<![A-Za-z0-9_+/.-])(?=[A-Za-z+]*[0-9])(?=[0-9+]*[A-Za-z])[A-Za-z0-9+]{24,}={0,2}"
)


def looks_secret(name: str, value: object = None) -> bool:
    """Whether a value should be masked wherever it is shown, by its name or by itself.

    A name counts by whole words (``HF_TOKEN``, ``openaiApiKey``; not ``MONKEY``, ``KEYBOARD``).
    A value counts by the prefixes that issuers give their secrets, by PEM and JWT shapes, by a
    password inside a URL, and by a long run of mixed letters and digits.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(map(_SECRET_WORD.fullmatch, words)) and words[-1] not in _PUBLIC_ENDINGS:
        return True
    if not isinstance(value, str):
        return False
    if _ISSUED.search(value):
        return True
    return _DIGEST_WORDS.isdisjoint(words) and _RANDOM.search(value) is not None
