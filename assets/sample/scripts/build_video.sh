#!/usr/bin/env bash
# Build a project's video: ./scripts/build_video.sh PROJECT_DIR. The sample stops before rendering.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck disable=SC1091
[[ -f .env ]] && source .env
python3 scripts/prepare_qwen_voice.py --project-dir "${1:?usage: build_video.sh PROJECT_DIR}"
python3 scripts/precache_voiceovers_qwen.py "$1"
echo "Narration of $1 is complete"
