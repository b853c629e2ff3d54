"""What a healthy MLX interpreter on a Mac says of itself."""

HEALTHY = {
    "python": "3.12.1",
    "machine": "arm64",
    "system": "Darwin",
    "translated": False,
    "versions": {"mlx": "0.32.4", "mlx-audio": "0.6.2", "transformers": "5.23.0"},
    "mlx": True,
    "mlx_audio": True,
    "metal_devices": 1,
    "device": "Device(gpu, 0)",
    "error": None,
}
