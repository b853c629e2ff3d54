"""The configurations of a made-up checkpoint, by size; the small ones as small as can be.

``medium`` is the tiny one with a deeper talker, to show that the counter works in any depth.

mlx-audio tells the layout of a convolution from its shape, so that a pointwise one survives only
with one input channel or with more than 64, and a wider one only with at least as many input
channels as its kernel has taps (``check_array_shape_qwen3``). The small dimensions respect that.
"""

from __future__ import annotations

from typing import Any, Final

from keychange.verification.model.qwen3_speech import DECODER, ENCODER

Config = dict[str, Any]

SIZES: Final = ("tiny", "medium", "full")
GROUP_SIZE: Final = 64
BITS: Final = 8

_TALKER: Final[dict[str, Config]] = {
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "text_hidden_size": 64,
        "text_vocab_size": 320,
    },
    "medium": {
        "hidden_size": 256,
        "intermediate_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "text_hidden_size": 256,
        "text_vocab_size": 320,
    },
    "full": {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "text_hidden_size": 2048,
        "text_vocab_size": 151936,
    },
}
_PREDICTOR: Final[dict[str, Config]] = {
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 64,
    },
    "medium": {
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 64,
    },
    "full": {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 5,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
    },
}
_SMALL_SPEAKER: Final[Config] = {
    "enc_channels": [72, 72, 72],
    "enc_kernel_sizes": [5, 3, 1],
    "enc_dilations": [1, 2, 1],
    "enc_attention_channels": 72,
    "enc_se_channels": 72,
}
_SMALL_DECODER: Final[Config] = {
    "latent_dim": 16,
    "codebook_dim": 132,
    "codebook_size": 64,
    "hidden_size": 32,
    "intermediate_size": 32,
    "head_dim": 16,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "num_hidden_layers": 1,
    # 8 * 8 * 6 * 5 = 1920 samples a frame, with one channel at the full rate
    "decoder_dim": 2,
    "upsample_rates": [5],
    "upsampling_ratios": [8, 8, 6],
}
_SMALL_ENCODER: Final[Config] = {
    "codebook_dim": 16,
    "codebook_size": 64,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "head_dim": 16,
    "num_key_value_heads": 2,
    "num_filters": 4,
    "num_hidden_layers": 1,
    "num_quantizers": 16,
    "vector_quantization_hidden_dimension": 16,
}


def model_config(size: str) -> Config:
    """``config.json``: dimensions by size, special tokens where the tokenizer puts them."""
    full = size == "full"
    codes = 2048 if full else 64
    start = 151644 if full else 265  # of the special text tokens; the real ids in the full size
    pad = 151671 if full else 267
    talker = _TALKER[size]
    third = talker["head_dim"] // 2 * 5 // 16
    sections = [talker["head_dim"] // 2 - 2 * third, third, third]
    predictor = {
        "vocab_size": codes,
        "num_code_groups": 16,
        "model_type": "qwen3_tts_talker_code_predictor",
        **_PREDICTOR[size],
    }
    speaker = {} if full else _SMALL_SPEAKER
    quantization = {"group_size": GROUP_SIZE, "bits": BITS, "mode": "affine"}
    return {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_size": "1b7",
        "tts_model_type": "base",
        "im_start_token_id": start,
        "im_end_token_id": start + 1,
        "tts_pad_token_id": pad,
        "tts_bos_token_id": pad + 1,
        "tts_eos_token_id": pad + 2,
        "speaker_encoder_config": {
            **speaker,
            "enc_dim": talker["hidden_size"],
            "sample_rate": 24000,
        },
        "talker_config": {
            "model_type": "qwen3_tts_talker",
            **talker,
            "vocab_size": codes + 1024,
            "num_code_groups": 16,
            "max_position_embeddings": 32768,
            "rms_norm_eps": 1e-6,
            "rope_theta": 1000000,
            "hidden_act": "silu",
            "attention_bias": False,
            "rope_scaling": {
                "interleaved": True,
                "mrope_section": sections,
                "rope_type": "default",
                "type": "default",
            },
            "codec_pad_id": codes + 100,
            "codec_bos_id": codes + 101,
            "codec_eos_token_id": codes + 102,
            "codec_think_id": codes + 106,
            "codec_nothink_id": codes + 107,
            "codec_think_bos_id": codes + 108,
            "codec_think_eos_id": codes + 109,
            "codec_language_id": {
                "chinese": codes + 7,
                "english": codes + 2,
                "german": codes + 5,
            },
            "spk_id": {},
            "spk_is_dialect": {},
            "code_predictor_config": predictor,
        },
        "quantization": quantization,
        "quantization_config": quantization,
    }


def speech_config(size: str) -> Config:
    """``speech_tokenizer/config.json``: large in the full size only."""
    full = size == "full"
    return {
        "model_type": "qwen3_tts_tokenizer_12hz",
        "encoder_valid_num_quantizers": 16,
        "input_sample_rate": 24000,
        "output_sample_rate": 24000,
        "decode_upsample_rate": 1920,
        "encode_downsample_rate": 1920,
        "encoder_config": {**ENCODER, **({} if full else _SMALL_ENCODER)},
        "decoder_config": {**DECODER, **({} if full else _SMALL_DECODER)},
    }
