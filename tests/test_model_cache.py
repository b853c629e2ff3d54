"""The static inspector: a whole snapshot passes, and every damage has its own code."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keychange.diagnostics import Severity, errors_in
from keychange.probing.checkpoint import MODEL_ID
from keychange.probing.made_up.config import model_config, speech_config
from keychange.verification.model.cache import inspect_model
from keychange.verification.model.hub import hub_cache
from keychange.verification.model.inspection import Checkpoint
from keychange.verification.model.quantisation import check_quantisation
from keychange.verification.model.qwen3_speech import speech_tokenizer_tensors
from keychange.verification.model.qwen3_tts import main_tensors
from keychange.verification.model.safetensors import DamagedFileError, read_header
from keychange.verification.model.snapshot_files import Findings
from keychange.verification.model.tensors import is_quantised, parameters
from support.probe import copy_of, edit_header, edit_json, hub, replace_file, snapshot_of


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return hub(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def damaged(cache, tmp_path):
    return copy_of(cache, tmp_path / "hub")


def codes(cache, model=MODEL_ID, expect=None):
    found = inspect_model(model, {"HF_HUB_CACHE": str(cache)}, expect)
    assert found.ok is not bool(errors_in(found.diagnostics))
    for each in found.diagnostics:
        assert each.hint
        assert "\n" not in each.message
    return [each.code for each in errors_in(found.diagnostics)]


def test_a_whole_snapshot_passes_and_is_measured(cache):
    found = inspect_model(MODEL_ID, {"HF_HUB_CACHE": str(cache)}, {"parameters": 461476})
    assert found.ok
    assert found.snapshot == snapshot_of(cache)
    measured = found.checkpoint
    assert (measured.bits, measured.group_size, measured.quantised_layers) == (8, 64, 32)
    assert (measured.parameters, measured.speech_parameters) == (461476, 210593)
    assert measured.weights < measured.size < 2_000_000


def test_made_up_weights_are_noted(cache):
    found = inspect_model(MODEL_ID, {"HF_HUB_CACHE": str(cache)})
    assert found.checkpoint.made_up
    (note,) = found.diagnostics
    assert (note.code, note.severity) == ("model-made-up", Severity.NOTE)


def test_the_manifest_of_the_true_dimensions():
    tensors = main_tensors(model_config("full"))
    assert parameters(tensors) == 1_928_677_440
    assert sum(is_quantised(each, 64) for each in tensors) == 250
    assert parameters(speech_tokenizer_tensors(speech_config("full"))) == 170_557_441


def test_the_manifest_of_the_main_file_is_that_of_mlx_audio():
    """The modules of mlx-audio itself say which tensors they have."""
    from mlx.utils import tree_flatten
    from mlx_audio.tts.models.qwen3_tts.config import ModelConfig
    from mlx_audio.tts.models.qwen3_tts.qwen3_tts import Model

    config = model_config("tiny")
    model = Model(ModelConfig.from_dict(config))
    theirs = {name: tuple(array.shape) for name, array in tree_flatten(model.parameters())}
    ours = {each.name: each.shape for each in main_tensors(config)}
    assert ours == theirs


def test_the_manifest_of_the_speech_tokenizer_is_that_of_mlx_audio(cache):
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_audio.tts.models.qwen3_tts.config import Qwen3TTSTokenizerConfig
    from mlx_audio.tts.models.qwen3_tts.speech_tokenizer import Qwen3TTSSpeechTokenizer

    config = speech_config("tiny")
    parts = {each: config[each] for each in ("encoder_config", "decoder_config")}
    model = Qwen3TTSSpeechTokenizer(Qwen3TTSTokenizerConfig(**parts))
    theirs = {name: tuple(array.shape) for name, array in tree_flatten(model.parameters())}
    stored = mx.load(str(snapshot_of(cache) / SPEECH))
    loaded = {
        name: tuple(array.shape) for name, array in Qwen3TTSSpeechTokenizer.sanitize(stored).items()
    }
    assert {name: theirs.get(name) for name in loaded} == loaded
    assert all("codebook" in name for name in theirs.keys() - loaded.keys())


def remove(name):
    def change(cache):
        path = snapshot_of(cache) / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def write(name, data):
    return lambda cache: replace_file(snapshot_of(cache) / name, data)


def cut(name, keep):
    def change(cache):
        path = snapshot_of(cache) / name
        replace_file(path, path.read_bytes()[:keep])

    return change


def config(change, name="config.json"):
    return lambda cache: edit_json(snapshot_of(cache) / name, change)


def header(change, name="model.safetensors"):
    return lambda cache: edit_header(snapshot_of(cache) / name, change)


def drop(name):
    """Rename a tensor: it is missing, and the file stays whole."""
    return lambda found: found.update({f"{name}.other": found.pop(name)})


def reshape(name, shape):
    return lambda found: found[name].update(shape=shape)


def dangle(cache):
    blob = (snapshot_of(cache) / "model.safetensors").resolve()
    blob.unlink()


def interrupt(cache):
    (snapshot_of(cache).parents[1] / "blobs" / "0123.incomplete").write_bytes(b"half")


def no_reference(cache):
    (snapshot_of(cache).parents[1] / "refs" / "main").unlink()


def unmark(found):
    del found["__metadata__"]["keychange"]


def unquantise(found):
    for name in [each for each in found if each.endswith((".scales", ".biases"))]:
        del found[name]


GATE = "talker.model.layers.0.mlp.gate_proj.weight"
EMBEDDING = "talker.model.codec_embedding.weight"
DECODER = "decoder.pre_conv.conv.weight"
ENCODER = "encoder.downsample.conv.weight"
CODEBOOK = "encoder.quantizer.semantic_residual_vector_quantizer.layers.0.codebook.embed_sum"
SPEECH = "speech_tokenizer/model.safetensors"
SPEECH_CONFIG = "speech_tokenizer/config.json"

DAMAGES = {
    "the folder is gone": (shutil.rmtree, "model-not-cached"),
    "no refs/main": (no_reference, "model-not-cached"),
    "an unfinished blob": (interrupt, "model-download-incomplete"),
    "a dangling link": (dangle, "model-link-dangling"),
    "main file cut": (cut("model.safetensors", 500_000), "model-file-truncated"),
    "speech file cut": (cut(SPEECH, -1), "model-file-truncated"),
    "main file empty": (write("model.safetensors", b""), "model-file-damaged"),
    "a pointer of git-lfs": (
        write("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n"),
        "model-file-damaged",
    ),
    "header no JSON": (
        write("model.safetensors", b"\x04" + bytes(7) + b"nope" + bytes(9)),
        "model-file-damaged",
    ),
    "overlapping tensors": (
        header(lambda found: found[EMBEDDING].update(data_offsets=[8, 16])),
        "model-file-damaged",
    ),
    "no main file": (remove("model.safetensors"), "model-file-missing"),
    "no config": (remove("config.json"), "model-file-missing"),
    "config no JSON": (write("config.json", b"{"), "model-config-invalid"),
    "config no object": (write("config.json", b"[]"), "model-config-invalid"),
    "config of strings": (
        config(lambda found: found["talker_config"].update(hidden_size="large")),
        "model-config-invalid",
    ),
    "a tensor missing": (header(drop(EMBEDDING)), "model-tensor-missing"),
    "the vocoder's tensor missing": (header(drop(DECODER), SPEECH), "model-tensor-missing"),
    "the encoder's tensor missing": (header(drop(ENCODER), SPEECH), "model-tensor-missing"),
    "a codebook missing": (header(drop(CODEBOOK), SPEECH), "model-tensor-missing"),
    "a layer too many in the config": (
        config(lambda found: found["talker_config"].update(num_hidden_layers=2)),
        "model-tensor-missing",
    ),
    "another shape": (header(reshape(EMBEDDING, [64, 1088])), "model-shape-mismatch"),
    "another shape of the vocoder": (
        header(reshape("decoder.pre_transformer.norm.weight", [4, 8]), SPEECH),
        "model-shape-mismatch",
    ),
    "another width in the config": (
        config(lambda found: found["talker_config"].update(intermediate_size=128)),
        "model-shape-mismatch",
    ),
    "four bits in the config": (
        config(lambda found: found["quantization"].update(bits=4)),
        "model-wrong-quantisation",
    ),
    "a quantization of another form": (
        config(lambda found: found.update(quantization="8bit")),
        "model-wrong-quantisation",
    ),
    "groups of 32 in the config": (
        config(lambda found: found["quantization"].update(group_size=32)),
        "model-wrong-quantisation",
    ),
    "another architecture": (
        config(lambda found: found.update(model_type="qwen3")),
        "model-wrong-type",
    ),
    "a CustomVoice model": (
        config(lambda found: found.update(tts_model_type="custom_voice")),
        "model-wrong-type",
    ),
    "another model under the id": (header(unmark), "model-wrong-size"),
    "no tokenizer settings": (remove("tokenizer_config.json"), "tokenizer-missing"),
    "no vocabulary": (remove("vocab.json"), "tokenizer-missing"),
    "no merges": (remove("merges.txt"), "tokenizer-missing"),
    "an empty vocabulary": (write("vocab.json", b"{}"), "tokenizer-broken"),
    "a broken vocabulary": (write("vocab.json", b'{"a": '), "tokenizer-broken"),
    "no speech tokenizer": (remove("speech_tokenizer"), "speech-tokenizer-missing"),
    "no weights of the speech tokenizer": (remove(SPEECH), "speech-tokenizer-missing"),
    "no config of the speech tokenizer": (remove(SPEECH_CONFIG), "model-file-missing"),
    "no encoder": (
        config(lambda found: found.pop("encoder_config"), SPEECH_CONFIG),
        "speech-encoder-missing",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_has_its_code(name, damaged):
    damage, code = DAMAGES[name]
    damage(damaged)
    assert codes(damaged)[0] == code


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ({"bits": 4}, "model-wrong-quantisation"),
        ({"group_size": 32}, "model-wrong-quantisation"),
        ({"quantised_layers": 33}, "model-wrong-quantisation"),
        ({"parameters": 1_928_677_440}, "model-wrong-size"),
    ],
)
def test_what_the_migration_expects_is_compared(cache, expect, code):
    assert codes(cache, expect=expect) == [code]


def test_a_few_plain_layers_only_warn(cache):
    found, config = Findings("someone/Qwen3-TTS-8bit"), model_config("tiny")
    measured = Checkpoint(bits=8, group_size=64, quantised_layers=30)
    check_quantisation(config, measured, main_tensors(config), {}, found)
    assert [(each.code, each.severity) for each in found] == [
        ("model-wrong-quantisation", Severity.WARNING)
    ]


def test_bits_that_the_id_names_are_compared(tmp_path):
    model = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-4bit"
    assert codes(hub(tmp_path, model_id=model), model) == ["model-wrong-quantisation"]


def test_an_unquantised_model_is_found(damaged):
    snapshot = snapshot_of(damaged)
    data = {each.name: each.shape for each in main_tensors(model_config("tiny"))}
    offset, entries = 0, {}
    for name, shape in data.items():
        size = 2
        for each in shape:
            size *= each
        entries[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    raw = json.dumps(entries).encode()
    content = len(raw).to_bytes(8, "little") + raw + bytes(offset)
    replace_file(snapshot / "model.safetensors", content)
    assert codes(damaged)[0] == "model-not-quantised"


def test_a_model_of_another_kind_is_inspected_as_files(damaged):
    edit_json(snapshot_of(damaged) / "config.json", lambda found: found.update(model_type="kokoro"))
    folder = damaged / "models--someone--Kokoro-82M-8bit"
    snapshot_of(damaged).parents[1].rename(folder)
    found = inspect_model("someone/Kokoro-82M-8bit", {"HF_HUB_CACHE": str(damaged)})
    assert found.ok
    assert found.diagnostics[-1].code == "model-architecture-unknown"


def test_a_folder_is_inspected_as_a_snapshot(cache):
    found = inspect_model(str(snapshot_of(cache)), {"HOME": "/nowhere"})
    assert found.ok
    assert found.checkpoint.parameters == 461476


@given(share=st.floats(0, 1, exclude_max=True), name=st.sampled_from(["model.safetensors", SPEECH]))
@settings(max_examples=25, deadline=None)
def test_a_file_that_ends_early_anywhere_is_found(cache, tmp_path_factory, share, name):
    damaged = copy_of(cache, tmp_path_factory.mktemp("cut") / "hub")
    path = snapshot_of(damaged) / name
    data = path.read_bytes()
    replace_file(path, data[: int(share * len(data))])
    assert codes(damaged)[0] in {"model-file-truncated", "model-file-damaged"}


@given(data=st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_a_header_of_any_bytes_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("header") / "any.safetensors"
    path.write_bytes(data)
    try:
        found = read_header(path)
    except DamagedFileError as problem:
        assert str(problem)
    else:
        assert found.size == len(data)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/h"}, "/h/.cache/huggingface/hub"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({"HOME": "/h", "HF_HOME": "~/hf"}, "/h/hf/hub"),
        ({"HOME": "/h", "HF_HOME": "$HOME/hf", "XDG_CACHE_HOME": "/x"}, "/h/hf/hub"),
        ({"HOME": "/h", "HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
        ({"HF_HUB_CACHE": "/c", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/hf"}, "/c"),
        ({"HOME": "/h", "HF_HOME": ""}, "/h/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_hub_looks(environment, expected):
    assert str(hub_cache(environment)) == expected
