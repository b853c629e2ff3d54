#!/usr/bin/env bash
# Start a video project: ./scripts/new_project.sh NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
project="generated/${1:?usage: new_project.sh NAME}"
mkdir -p "$project/media/voiceovers/qwen"
cat > "$project/voice_clone_config.json" <<'EOF'
{
  "qwen_python": "models/qwen3-tts-local/.venv/bin/python",
  "model_id": "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit",
  "device": "cpu",
  "dtype": "float32",
  "language": "English",
  "ref_audio": "assets/voice_ref/ref.wav",
  "ref_text": "assets/voice_ref/ref.txt",
  "output_dir": "media/voiceovers/qwen"
}
EOF
echo "Created $project"
