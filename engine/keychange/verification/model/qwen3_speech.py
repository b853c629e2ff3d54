"""What the speech tokenizer of a Qwen3-TTS checkpoint must hold, from its config.json.

Hugging Face's names and layout (convolutions: out, in, kernel; transposed ones: in, out, kernel),
as mlx-audio's converter leaves them. The decoder is the vocoder; the encoder, a Mimi, is what
voice cloning with a transcript needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final

from keychange.verification.model.tensors import Config, Role, Tensor, conv, filled

# What mlx-audio assumes where the configuration is silent (its config.py).
DECODER: Final[Config] = {
    "latent_dim": 1024,
    "codebook_dim": 512,
    "codebook_size": 2048,
    "decoder_dim": 1536,
    "hidden_size": 512,
    "intermediate_size": 1024,
    "head_dim": 64,
    "num_attention_heads": 16,
    "num_hidden_layers": 8,
    "num_key_value_heads": 16,
    "num_quantizers": 16,
    "num_semantic_quantizers": 1,
    "upsample_rates": [8, 5, 4, 3],
    "upsampling_ratios": [2, 2],
}
ENCODER: Final[Config] = {
    "audio_channels": 1,
    "codebook_dim": 256,
    "codebook_size": 2048,
    "compress": 2,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "kernel_size": 7,
    "last_kernel_size": 3,
    "num_attention_heads": 8,
    "num_filters": 64,
    "num_hidden_layers": 8,
    "num_quantizers": 32,
    "residual_kernel_size": 3,
    "sampling_rate": 24000,
    "frame_rate": 12.5,
    "upsampling_ratios": [8, 6, 5, 4],
}


def speech_tokenizer_tensors(config: Config) -> tuple[Tensor, ...]:
    """The tensors of ``speech_tokenizer/model.safetensors``: decoder and, if any, encoder.

    Raises:
        KeyError, TypeError, ValueError: where the configuration has values of another shape.
    """
    found = [*_decoder(filled(config.get("decoder_config"), DECODER))]
    if config.get("encoder_config") is not None:
        found += _encoder(filled(config["encoder_config"], ENCODER))
    return tuple(found)


def _dense(name: str, rows: int, columns: int, *, bias: bool = False) -> Iterator[Tensor]:
    yield Tensor(f"{name}.weight", (rows, columns), Role.DENSE)
    if bias:
        yield Tensor(f"{name}.bias", (rows,), Role.BIAS)


def _transposed(name: str, inputs: int, outputs: int, kernel: int) -> Iterator[Tensor]:
    yield Tensor(f"{name}.weight", (inputs, outputs, kernel), Role.CONV_TRANSPOSED)
    yield Tensor(f"{name}.bias", (outputs,), Role.BIAS)


def _norm(name: str, width: int, *, bias: bool = False) -> Iterator[Tensor]:
    yield Tensor(f"{name}.weight", (width,), Role.NORM)
    if bias:
        yield Tensor(f"{name}.bias", (width,), Role.BIAS)


def _decoder(config: dict[str, Any]) -> Iterator[Tensor]:
    yield from _pre_transformer(config)
    yield from _codebooks(config)
    latent = config["latent_dim"]
    yield from conv("decoder.pre_conv.conv", (latent, config["codebook_dim"], 3))
    for index, factor in enumerate(config["upsampling_ratios"]):
        yield from _upsample(f"decoder.upsample.{index}", latent, factor)
    yield from _vocoder(config)


def _pre_transformer(config: dict[str, Any]) -> Iterator[Tensor]:
    name, hidden, latent = "decoder.pre_transformer", config["hidden_size"], config["latent_dim"]
    wide = config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    for index in range(config["num_hidden_layers"]):
        layer = f"{name}.layers.{index}"
        yield from _dense(f"{layer}.self_attn.q_proj", queries, hidden)
        yield from _dense(f"{layer}.self_attn.k_proj", keys, hidden)
        yield from _dense(f"{layer}.self_attn.v_proj", keys, hidden)
        yield from _dense(f"{layer}.self_attn.o_proj", hidden, queries)
        yield from _dense(f"{layer}.mlp.gate_proj", wide, hidden)
        yield from _dense(f"{layer}.mlp.up_proj", wide, hidden)
        yield from _dense(f"{layer}.mlp.down_proj", hidden, wide)
        yield from _norm(f"{layer}.input_layernorm", hidden)
        yield from _norm(f"{layer}.post_attention_layernorm", hidden)
        yield Tensor(f"{layer}.self_attn_layer_scale.scale", (hidden,), Role.SCALE)
        yield Tensor(f"{layer}.mlp_layer_scale.scale", (hidden,), Role.SCALE)
    yield from _norm(f"{name}.norm", hidden)
    yield from _dense(f"{name}.input_proj", hidden, latent, bias=True)
    yield from _dense(f"{name}.output_proj", latent, hidden, bias=True)


def _codebooks(config: dict[str, Any]) -> Iterator[Tensor]:
    outer, size = config["codebook_dim"], config["codebook_size"]
    inner = outer // 2
    semantic = config["num_semantic_quantizers"]
    acoustic = config["num_quantizers"] - semantic
    for part, count in (("rvq_first", semantic), ("rvq_rest", acoustic)):
        name = f"decoder.quantizer.{part}"
        yield from conv(f"{name}.input_proj", (inner, outer, 1), bias=False)
        yield from conv(f"{name}.output_proj", (outer, inner, 1), bias=False)
        for index in range(count):
            book = f"{name}.vq.layers.{index}._codebook"
            yield Tensor(f"{book}.cluster_usage", (size,), Role.USAGE)
            yield Tensor(f"{book}.embedding_sum", (size, inner), Role.CODEBOOK)


def _upsample(name: str, width: int, factor: int) -> Iterator[Tensor]:
    yield from _transposed(f"{name}.0.conv", width, width, factor)
    yield from conv(f"{name}.1.dwconv.conv", (width, 1, 7))
    yield from _norm(f"{name}.1.norm", width, bias=True)
    yield from _dense(f"{name}.1.pwconv1", 4 * width, width, bias=True)
    yield from _dense(f"{name}.1.pwconv2", width, 4 * width, bias=True)
    yield Tensor(f"{name}.1.gamma", (width,), Role.SCALE)


def _snake(name: str, width: int) -> Iterator[Tensor]:
    yield Tensor(f"{name}.alpha", (width,), Role.SNAKE)
    yield Tensor(f"{name}.beta", (width,), Role.SNAKE)


def _vocoder(config: dict[str, Any]) -> Iterator[Tensor]:
    width, rates = config["decoder_dim"], config["upsample_rates"]
    yield from conv("decoder.decoder.0.conv", (width, config["latent_dim"], 7))
    for index, rate in enumerate(rates, start=1):
        block, half = f"decoder.decoder.{index}.block", width // 2
        yield from _snake(f"{block}.0", width)
        yield from _transposed(f"{block}.1.conv", width, half, 2 * rate)
        for unit in (2, 3, 4):
            yield from _snake(f"{block}.{unit}.act1", half)
            yield from conv(f"{block}.{unit}.conv1.conv", (half, half, 7))
            yield from _snake(f"{block}.{unit}.act2", half)
            yield from conv(f"{block}.{unit}.conv2.conv", (half, half, 1))
        width = half
    yield from _snake(f"decoder.decoder.{len(rates) + 1}", width)
    yield from conv(f"decoder.decoder.{len(rates) + 2}.conv", (1, width, 7))


def _encoder(config: dict[str, Any]) -> Iterator[Tensor]:
    yield from _seanet(config)
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.encoder_transformer.layers.{index}"
        for letter in "qkvo":
            yield from _dense(f"{layer}.self_attn.{letter}_proj", hidden, hidden)
        yield from _dense(f"{layer}.mlp.fc1", wide, hidden)
        yield from _dense(f"{layer}.mlp.fc2", hidden, wide)
        yield from _norm(f"{layer}.input_layernorm", hidden, bias=True)
        yield from _norm(f"{layer}.post_attention_layernorm", hidden, bias=True)
        yield Tensor(f"{layer}.self_attn_layer_scale.scale", (hidden,), Role.SCALE)
        yield Tensor(f"{layer}.mlp_layer_scale.scale", (hidden,), Role.SCALE)
    before = config["sampling_rate"] / prod(config["upsampling_ratios"])
    stride = int(before / config["frame_rate"])
    yield from conv("encoder.downsample.conv", (hidden, hidden, 2 * stride), bias=False)
    inner, size = config["codebook_dim"], config["codebook_size"]
    for part, count in (("semantic", 1), ("acoustic", config["num_quantizers"] - 1)):
        name = f"encoder.quantizer.{part}_residual_vector_quantizer"
        yield from conv(f"{name}.input_proj", (inner, hidden, 1), bias=False)
        yield from conv(f"{name}.output_proj", (hidden, inner, 1), bias=False)
        for index in range(count):
            book = f"{name}.layers.{index}.codebook"
            yield Tensor(f"{book}.cluster_usage", (size,), Role.USAGE)
            yield Tensor(f"{book}.embed_sum", (size, inner), Role.CODEBOOK)
            yield Tensor(f"{book}.initialized", (1,), Role.FLAG)


def _seanet(config: dict[str, Any]) -> Iterator[Tensor]:
    width, name = config["num_filters"], "encoder.encoder.layers"
    yield from conv(f"{name}.0.conv", (width, config["audio_channels"], config["kernel_size"]))
    layer = 1
    for ratio in reversed(config["upsampling_ratios"]):
        narrow = width // config["compress"]
        residual = (narrow, width, config["residual_kernel_size"])
        yield from conv(f"{name}.{layer}.block.1.conv", residual)
        yield from conv(f"{name}.{layer}.block.3.conv", (width, narrow, 1))
        yield from conv(f"{name}.{layer + 2}.conv", (width * 2, width, 2 * ratio))
        layer += 3
        width *= 2
    last = (config["hidden_size"], width, config["last_kernel_size"])
    yield from conv(f"{name}.{layer + 1}.conv", last)
