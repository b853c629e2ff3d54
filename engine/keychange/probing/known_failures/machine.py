"""Failures of the session, the GPU and the process: most say nothing about the migration."""

from __future__ import annotations

from typing import Final

from keychange.probing.known_failures.failure import Failure
from keychange.probing.verdict import Verdict

SESSION: Final = (
    Failure(
        code="metal-no-device",
        title="Metal shows no GPU to this session",
        cause="The process runs in a restricted sandbox, over ssh, in CI or in a virtual machine, "
        "where the Metal device is not available. mlx before 0.31.2 aborts with NSRangeException.",
        fix="Run it again from a normal macOS Terminal session of the logged-in user, unsandboxed.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"NSRangeException|__NSArray0 objectAtIndex|\[metal::load_device\]"
        r"|No Metal device available",
        source="guide, section 8; mlx #2691, #3148, #3428",
        example="*** Terminating app due to uncaught exception 'NSRangeException', reason: '*** "
        "-[__NSArray0 objectAtIndex:]: index 0 beyond bounds for empty array'",
    ),
    Failure(
        code="metal-library-mismatch",
        title="The mlx wheel was built for another macOS",
        cause="The Metal library inside the wheel needs a newer macOS than this one.",
        fix="Reinstall mlx and mlx-metal for this macOS, or update macOS.",
        pattern=r"Failed to load the default metallib|language version \d|Unable to load kernel"
        r"|deployment target",
        source="mlx #4389; vmlx #120",
        example="RuntimeError: Failed to load the default metallib. This library is using "
        "language version 4.0 which is not supported on this OS.",
    ),
    Failure(
        code="python-not-native",
        title="The interpreter runs under Rosetta",
        cause="An x86_64 Python on an Apple silicon Mac cannot use Metal through MLX.",
        fix="Make the MLX environment with a native arm64 Python.",
        source="mlx-examples #1306",
        example="error[python-not-native]: models/mlx_env312/bin/python runs under Rosetta, not "
        "natively",
    ),
    Failure(
        code="gpu-watchdog",
        title="macOS stopped the GPU command because it took too long",
        cause="The GPU watchdog ends work that blocks the display; display sleep provokes it.",
        fix="Close other programs that use the GPU, keep the display on, and run it again.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"kIOGPUCommandBufferCallbackErrorImpactingInteractivity|Impacting Interactivity"
        r"|kIOGPUCommandBufferCallbackErrorTimeout",
        source="mlx #3267",
        example="[METAL] Command buffer execution failed: Impacting Interactivity "
        "(0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)",
    ),
    Failure(
        code="out-of-memory",
        title="Memory ran out",
        cause="The GPU or the machine had too little free memory for the model.",
        fix="Close other programs; the 1.7B model at 8 bits needs about 6 GB free.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"kIOGPUCommandBufferCallbackErrorOutOfMemory|Insufficient Memory"
        r"|\[metal::malloc\]|maximum allowed buffer size|cudaMalloc|out of memory|std::bad_alloc"
        r"|MemoryError",
        source="omlx #354; mlx-serve #321",
        example="[METAL] Command buffer execution failed: Insufficient Memory "
        "(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
    ),
    Failure(
        code="gpu-error",
        title="The GPU reported an error",
        cause="A GPU command failed in the driver; the standard error holds its words.",
        fix="Run it again; if it stays, restart the machine.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"kIOGPUCommandBufferCallbackError\w+|\[METAL\] Command buffer execution failed"
        r"|MTLReportFailure|failed assertion|CUDA error|cudaError",
        source="mlx #3267",
        example="RuntimeError: CUDA error: an illegal memory access was encountered",
    ),
)

PROCESS: Final = (
    Failure(
        code="probe-timeout",
        title="The probe took longer than its limit",
        cause="A stage did not finish in time; its process group was ended.",
        fix="Close other programs and run it again, or raise the limit of the stage.",
        verdict=Verdict.INCONCLUSIVE,
        example="error[probe-timeout]: stage load took longer than 300 s",
    ),
    Failure(
        code="probe-killed",
        title="Something killed the probe",
        cause="The process was ended from outside; most often the system lacked memory.",
        fix="Close other programs and run it again; the 1.7B model needs about 6 GB free.",
        verdict=Verdict.INCONCLUSIVE,
        example="error[probe-killed]: the worker died in stage load: signal SIGKILL",
    ),
    Failure(
        code="probe-crashed",
        title="The interpreter crashed",
        cause="The process died of a signal while MLX was at work.",
        fix="Read the end of the standard error in the report; update mlx and mlx-audio.",
        example="error[probe-crashed]: the worker died in stage synthesis: signal SIGSEGV",
    ),
    Failure(
        code="probe-no-result",
        title="The probe ended without a result",
        cause="The interpreter ended early, or is no Python.",
        fix="Check the path of the interpreter; the report holds the end of its standard error.",
        example="error[probe-no-result]: the worker died in stage start: exit status 1, without "
        "a result",
    ),
    Failure(
        code="probe-exception",
        title="mlx-audio raised an error",
        cause="The message holds its words.",
        fix="Upgrade mlx and mlx-audio together; the report holds the traceback.",
        example="error[probe-exception]: ValueError: [dequantize] The matrix should be given as "
        "a uint32",
    ),
)
