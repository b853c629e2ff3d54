"""Workload of the real upgrade: four sources, `.env` and many configs, as people do it today."""

from __future__ import annotations

import json
from pathlib import Path

from checking import workspace
from measure import Contender, Row, contest
from places import Kept, Places, codemod, write

OLD = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"
NEW = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
CONFIGS = 100
_FLOOR = """
use IO::Handle;
for my $path (@ARGV) {
    open my $in, '<', $path or die; local $/; my $text = <$in>; close $in;
    $text =~ s{\\Q%s\\E}{%s}g;
    $text =~ s{assets/voice_ref/}{../../assets/voice_ref_2/}g;
    $text =~ s{^(?:export )?FLAMING_HORSE_TTS_BACKEND=.*$}{export FLAMING_HORSE_TTS_BACKEND=mlx}m;
    open my $out, '>', $path or die; print $out $text; $out->flush; $out->sync; close $out;
}
"""
_ASSEMBLED = """
set -e
rg -l0 --no-ignore -tpy -F {old} . |
  xargs -0 python -m libcst.tool codemod -x --no-format swap.Swap -j 2
for key in TTS_BACKEND=mlx MLX_MODEL_ID={new} MLX_PYTHON={root}/python VOICE_REF_DIR={root}/assets
do dotenv -f .env set FLAMING_HORSE_${{key%%=*}} "${{key#*=}}"; done
for file in generated/*/voice_clone_config.json; do
  jq --arg m {new} --arg v ../../assets/voice_ref_2/ref \
    '.model_id = $m | .ref_audio = $v + ".wav" | .ref_text = $v + ".txt"' "$file" > "$file.new"
  mv "$file.new" "$file"
done
"""
_PLAY = f"""
- hosts: all
  gather_facts: false
  tasks:
    - lineinfile:
        path: "{{{{ root }}}}/.env"
        regexp: "^(export )?{{{{ item.key }}}}="
        line: "export {{{{ item.key }}}}={{{{ item.value }}}}"
      loop:
        - {{key: FLAMING_HORSE_TTS_BACKEND, value: mlx}}
        - {{key: FLAMING_HORSE_MLX_MODEL_ID, value: {NEW}}}
        - {{key: FLAMING_HORSE_MLX_PYTHON, value: "{{{{ root }}}}/python"}}
        - {{key: FLAMING_HORSE_VOICE_REF_DIR, value: "{{{{ root }}}}/assets"}}
    - replace:
        path: "{{{{ root }}}}/{{{{ item }}}}"
        regexp: "{OLD}"
        replace: "{NEW}"
      loop:
        - scripts/qwen_tts_mediator.py
        - scripts/prepare_qwen_voice.py
        - flaming_horse_voice/mlx_cached.py
        - flaming_horse_voice/mlx_tts_service.py
    - find: {{paths: "{{{{ root }}}}/generated", patterns: voice_clone_config.json, recurse: true}}
      register: configs
    - replace:
        path: "{{{{ item.0 }}}}"
        regexp: "{{{{ item.1.from }}}}"
        replace: "{{{{ item.1.to }}}}"
      loop: "{{{{ configs.files | map(attribute='path') | product(changes) }}}}"
      vars:
        changes:
          - {{from: "{OLD}", to: "{NEW}"}}
          - {{from: "(?<=\\")assets/voice_ref/", to: "../../assets/voice_ref_2/"}}
"""


def upgrade(places: Places, runs: int) -> list[Row]:
    """`plan` and `up` with journal, flushes and proofs, against what they would be replaced by."""
    root = places.fresh("upgrade") / "project"
    workspace(root, CONFIGS)
    for path in (root / "generated").iterdir():
        _plain(path / "voice_clone_config.json")
    aside = root.parent / "tools"
    write(
        aside,
        {
            "floor.pl": _FLOOR % (OLD, NEW),
            "swap.py": codemod(OLD, NEW),
            "play.yml": _PLAY,
            "assembled.sh": _ASSEMBLED.format(old=OLD, new=NEW, root=root),
        },
    )
    write(root, {".libcst.codemod.yaml": "modules: ['.']\n"})
    kept = Kept(root)

    def exact() -> bool:
        changed = kept.changed()
        configs = [each for each in changed if each.endswith(".json")]
        documents = [json.loads(changed[each]) for each in configs]
        sources = [each for each in changed if each.endswith(".py")]
        return (
            len(configs) == len(list((root / "generated").iterdir()))
            and len(sources) == 4
            and all(each["model_id"] == NEW for each in documents)
            and all(NEW.encode() in changed[each] for each in (*sources, ".env"))
        )

    path = f"{places.peers}:/usr/local/bin:/usr/bin:/bin"
    tools = {"PATH": path, "PYTHONPATH": str(aside)}
    floor = "rg -l0 --no-ignore --hidden -F {} . | xargs -0 perl {}"
    others = [
        Contender(
            "ripgrep + perl, one flush a file",
            ["sh", "-c", floor.format(OLD, aside / "floor.pl")],
            4,
            exact,
            tools,
        ),
        Contender(
            "libcst.tool + dotenv + jq",
            ["bash", aside / "assembled.sh"],
            1 / 5,
            exact,
            tools,
            runs=3,
        ),
        Contender(
            "an Ansible play",
            [places.peers / "ansible-playbook", "-i", "localhost,", "-c", "local", "--diff",
             "-e", f"root={root}",
             aside / "play.yml"],
            1 / 10,
            exact,
            {**tools, "ANSIBLE_LOCAL_TEMP": str(aside), "ANSIBLE_PYTHON_INTERPRETER": "python3",
             "LC_ALL": "C.UTF-8", "HOME": str(aside)},
            runs=2,
        ),
    ]  # fmt: skip
    migrate = places.ours / "migrate"
    rows = contest(
        f"`up` of the real upgrade, {CONFIGS} configs",
        root,
        Contender("ours", [migrate, "up", "--yes", "--no-verify", "-q"], exact=exact),
        others,
        runs=runs,
        before=kept.restore,
    )
    plan = Contender("ours", [migrate, "plan"], exact=lambda: not kept.changed())
    return [
        *rows,
        *contest(
            f"`plan` of the real upgrade, {CONFIGS} configs",
            root,
            plan,
            others[:1],
            runs=runs,
            before=kept.restore,
        ),
    ]


def _plain(path: Path) -> None:
    """The config with the spaces that most have, so that textual peers find what they look for."""
    if path.exists():
        document = json.loads(path.read_bytes())
        document["model_id"] = OLD
        document["ref_audio"] = "assets/voice_ref/ref.wav"
        document["ref_text"] = "assets/voice_ref/ref.txt"
        path.write_text(json.dumps(document, indent=2) + "\n")
