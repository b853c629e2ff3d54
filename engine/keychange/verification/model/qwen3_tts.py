"""What the main file of a Qwen3-TTS Base checkpoint for MLX must hold, from its config.json.

Names and shapes are those of mlx-audio 0.6.2 (``mlx_audio/tts/models/qwen3_tts``), in MLX's layout
(convolutions: out, kernel, in). The inspector compares them with the header of a snapshot;
``keychange.probing.checkpoint`` fills them with numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keychange.verification.model.tensors import Config, Role, Tensor, conv, filled, linear

MODEL_TYPE: Final = "qwen3_tts"

# What mlx-audio assumes where config.json is silent (its config.py).
TALKER: Final[Config] = {
    "vocab_size": 3072,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "attention_bias": False,
    "num_code_groups": 16,
    "text_hidden_size": 2048,
    "text_vocab_size": 151936,
}
CODE_PREDICTOR: Final[Config] = {
    "vocab_size": 2048,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 5,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "attention_bias": False,
    "num_code_groups": 16,
}
SPEAKER_ENCODER: Final[Config] = {
    "mel_dim": 128,
    "enc_dim": 1024,
    "enc_channels": [512, 512, 512, 512, 1536],
    "enc_kernel_sizes": [5, 3, 3, 3, 1],
    "enc_attention_channels": 128,
    "enc_res2net_scale": 8,
    "enc_se_channels": 128,
}


def main_tensors(config: Config) -> tuple[Tensor, ...]:
    """The tensors of ``model.safetensors``: talker, code predictor and, in Base, speaker encoder.

    Raises:
        KeyError, TypeError, ValueError: where the configuration has values of another shape.
    """
    return tuple(_main(config))


def _main(config: Config) -> Iterator[Tensor]:
    talker = filled(config.get("talker_config"), TALKER)
    hidden = talker["hidden_size"]
    model = "talker.model"
    yield Tensor(f"{model}.codec_embedding.weight", (talker["vocab_size"], hidden), Role.EMBEDDING)
    text = (talker["text_vocab_size"], talker["text_hidden_size"])
    yield Tensor(f"{model}.text_embedding.weight", text, Role.EMBEDDING)
    for layer in range(talker["num_hidden_layers"]):
        yield from _decoder_layer(f"{model}.layers.{layer}", talker)
    yield Tensor(f"{model}.norm.weight", (hidden,), Role.NORM)
    projection, width = "talker.text_projection", talker["text_hidden_size"]
    yield from linear(f"{projection}.linear_fc1", width, width, bias=True)
    yield from linear(f"{projection}.linear_fc2", hidden, width, bias=True)
    yield from linear("talker.codec_head", talker["vocab_size"], hidden)
    yield from _code_predictor(config, hidden)
    if config.get("tts_model_type", "base") == "base":
        yield from _speaker_encoder(filled(config.get("speaker_encoder_config"), SPEAKER_ENCODER))


def _decoder_layer(name: str, config: Config) -> Iterator[Tensor]:
    hidden, head = config["hidden_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    bias = bool(config["attention_bias"])
    yield from linear(f"{name}.self_attn.q_proj", queries, hidden, bias=bias)
    yield from linear(f"{name}.self_attn.k_proj", keys, hidden, bias=bias)
    yield from linear(f"{name}.self_attn.v_proj", keys, hidden, bias=bias)
    yield from linear(f"{name}.self_attn.o_proj", hidden, queries, bias=bias)
    yield Tensor(f"{name}.self_attn.q_norm.weight", (head,), Role.NORM)
    yield Tensor(f"{name}.self_attn.k_norm.weight", (head,), Role.NORM)
    yield from linear(f"{name}.mlp.gate_proj", config["intermediate_size"], hidden)
    yield from linear(f"{name}.mlp.up_proj", config["intermediate_size"], hidden)
    yield from linear(f"{name}.mlp.down_proj", hidden, config["intermediate_size"])
    yield Tensor(f"{name}.input_layernorm.weight", (hidden,), Role.NORM)
    yield Tensor(f"{name}.post_attention_layernorm.weight", (hidden,), Role.NORM)


def _code_predictor(config: Config, talker_hidden: int) -> Iterator[Tensor]:
    talker = config.get("talker_config") or {}
    predictor = filled(talker.get("code_predictor_config"), CODE_PREDICTOR)
    name, hidden = "talker.code_predictor", predictor["hidden_size"]
    others = predictor["num_code_groups"] - 1
    if hidden != talker_hidden:
        yield from linear(f"{name}.small_to_mtp_projection", hidden, talker_hidden, bias=True)
    for group in range(others):
        shape = (predictor["vocab_size"], talker_hidden)
        yield Tensor(f"{name}.model.codec_embedding.{group}.weight", shape, Role.EMBEDDING)
    for layer in range(predictor["num_hidden_layers"]):
        yield from _decoder_layer(f"{name}.model.layers.{layer}", predictor)
    yield Tensor(f"{name}.model.norm.weight", (hidden,), Role.NORM)
    for group in range(others):
        yield from linear(f"{name}.lm_head.{group}", predictor["vocab_size"], hidden)


def _speaker_encoder(config: Config) -> Iterator[Tensor]:
    """ECAPA-TDNN, in MLX's layout (out, kernel, in)."""
    name, channels = "speaker_encoder", config["enc_channels"]
    kernels, squeeze = config["enc_kernel_sizes"], config["enc_se_channels"]
    attention, scale = config["enc_attention_channels"], config["enc_res2net_scale"]
    yield from conv(f"{name}.blocks.0.conv", (channels[0], kernels[0], config["mel_dim"]))
    for index in range(1, len(channels) - 1):
        block, width = f"{name}.blocks.{index}", channels[index]
        group = width // scale
        yield from conv(f"{block}.tdnn1.conv", (width, 1, channels[index - 1]))
        for part in range(scale - 1):
            shape = (group, kernels[index], group)
            yield from conv(f"{block}.res2net_block.blocks.{part}.conv", shape)
        yield from conv(f"{block}.tdnn2.conv", (width, 1, width))
        yield from conv(f"{block}.se_block.conv1", (squeeze, 1, width))
        yield from conv(f"{block}.se_block.conv2", (width, 1, squeeze))
    last = channels[-1]
    yield from conv(f"{name}.mfa.conv", (last, kernels[-1], last))
    yield from conv(f"{name}.asp.tdnn.conv", (attention, 1, last * 3))
    yield from conv(f"{name}.asp.conv", (last, 1, attention))
    yield from conv(f"{name}.fc", (config["enc_dim"], 1, last * 2))
