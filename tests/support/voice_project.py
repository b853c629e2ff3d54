"""A small project with one migration that all three kinds take part in; it is clean."""

OLD, NEW = "org/voice-0.6B-4bit", "org/voice-1.7B-8bit"
MIGRATION = f"""\
format: 1
id: 0001_voice
title: voice
operations:
  - env: .env
    missing: skip
    set: {{VOICE: {{from: {OLD}, to: {NEW}}}}}
  - python: "app/**/*.py"
    strings: [{{from: {OLD}, to: {NEW}}}]
  - json: "generated/*/voice.json"
    set: {{/model: {{from: {OLD}, to: {NEW}}}}}
"""
FILES = {
    ".gitignore": "generated/\n.env\n",
    ".env": f"VOICE={NEW}\n",
    "app/voice.py": f'VOICE = "{NEW}"\n',
    "app/deep/other.py": 'OTHER = "other"\n',
    "generated/one/voice.json": f'{{"model": "{NEW}"}}\n',
    "README.md": "A voice.\n",
    "migrations/0001_voice.yaml": MIGRATION,
}


def write(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
