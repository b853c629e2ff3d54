"""Made-up checkpoints: the true architecture of Qwen3-TTS with random weights that still speak."""
