"""Facts about an MLX interpreter as one line of JSON; the *target's* Python runs this file.

Nothing is loaded but mlx itself. On macOS the Metal devices are counted through ctypes first:
where there is none, importing an older mlx aborts the process.
"""

import ctypes
import ctypes.util
import json
import platform
from importlib import metadata, util
from typing import Any


def version(name: str) -> str | None:
    """The installed version of a distribution, None where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def metal_devices() -> int:
    """How many Metal devices this session sees (``[MTLCopyAllDevices() count]``)."""
    metal = ctypes.CDLL("/System/Library/Frameworks/Metal.framework/Metal")
    objc = ctypes.CDLL(ctypes.util.find_library("objc"))
    metal.MTLCopyAllDevices.restype = ctypes.c_void_p
    objc.sel_registerName.restype = ctypes.c_void_p
    objc.sel_registerName.argtypes = [ctypes.c_char_p]
    count = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)(
        ("objc_msgSend", objc)
    )
    devices = metal.MTLCopyAllDevices()
    return int(count(devices, objc.sel_registerName(b"count"))) if devices else 0


def main() -> None:
    """Print the facts; the exit status is 0 even where they are bad."""
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "translated": platform.system() == "Darwin" and platform.machine() == "x86_64",
        "versions": {name: version(name) for name in ("mlx", "mlx-audio", "transformers")},
        "mlx": util.find_spec("mlx") is not None,
        "mlx_audio": util.find_spec("mlx_audio") is not None,
        "metal_devices": None,
        "device": None,
        "error": None,
    }
    try:
        if facts["system"] == "Darwin":
            facts["metal_devices"] = metal_devices()
        if facts["mlx"] and facts["metal_devices"] != 0:
            import mlx.core as mx

            mx.eval(mx.ones(8) + 1)  # a device that is there may still refuse its first command
            facts["device"] = str(mx.default_device())
    except Exception as problem:  # noqa: BLE001 (whatever it is, it is the answer)
        facts["error"] = f"{type(problem).__name__}: {problem}"
    print("keychange-facts " + json.dumps(facts))  # noqa: T201 (its only channel)


if __name__ == "__main__":
    main()
