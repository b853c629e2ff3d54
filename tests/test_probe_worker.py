"""The worker as a file: its metrics on known signals, its picture, the Python it runs on."""

import ast
import contextlib
import io
import math
import sys
import wave
import xml.etree.ElementTree as ET
import zlib
from base64 import b64decode
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from keychange.probing import thresholds, worker
from support.probe import VOICE

RATE = 24000
SECONDS = np.arange(3 * RATE) / RATE
LIMITS = thresholds.DEFAULTS


def tone(frequency, amplitude=0.3):
    return amplitude * np.sin(2 * np.pi * frequency * SECONDS)


def noise(amplitude=0.3):
    return amplitude * np.random.default_rng(0).standard_normal(len(SECONDS))


def reference():
    return worker.read_wave(str(VOICE / "ref.wav"), RATE)


def metrics(audio):
    return worker.audio_metrics(np.asarray(audio, np.float32), RATE)


def test_speech_is_within_every_limit():
    found = metrics(reference())
    assert found["finite"]
    assert found["level_dbfs"] > LIMITS["level_dbfs"]
    assert found["active_share"] > LIMITS["active_share"]
    assert found["clipped_share"] < LIMITS["clipped_share"]
    assert found["flatness"] < LIMITS["flatness"] / 3
    assert found["modulation_db"] > 2 * LIMITS["modulation_db"]
    assert found["voiced_share"] > 2 * LIMITS["voiced_share"]
    assert found["self_similarity"] < LIMITS["self_similarity"]
    assert found["inner_silence"] < LIMITS["inner_silence"]


def test_white_noise_is_flat_unvoiced_and_unmodulated():
    found = metrics(noise())
    assert found["flatness"] == pytest.approx(math.exp(-0.5772), abs=0.03)  # of a periodogram
    assert found["flatness"] > LIMITS["flatness"]
    assert found["voiced_share"] < LIMITS["voiced_share"]
    assert found["modulation_db"] < LIMITS["modulation_db"]


def test_a_tone_is_stuck_and_voiced():
    found = metrics(tone(200))
    assert found["self_similarity"] > LIMITS["self_similarity"]
    assert found["voiced_share"] == 1.0
    assert found["modulation_db"] < LIMITS["modulation_db"]


@pytest.mark.parametrize("amplitude", [1.0, 0.5, 0.01])
def test_the_level_of_a_sine_is_3_db_below_its_peak(amplitude):
    found = metrics(tone(441, amplitude))
    assert found["level_dbfs"] == pytest.approx(20 * math.log10(amplitude / math.sqrt(2)), abs=0.01)
    assert found["peak"] == pytest.approx(amplitude, rel=1e-3)


def test_silence_has_no_active_frame():
    found = metrics(np.zeros(RATE))
    assert found["level_dbfs"] == -180
    assert found["active_share"] == 0
    assert "flatness" not in found


def test_overdriven_sound_is_clipped():
    assert metrics(np.clip(tone(150, 20), -1, 1))["clipped_share"] > 0.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_only_said_to_be_so(bad):
    audio = tone(200)
    audio[1000] = bad
    assert metrics(audio) == {"seconds": 3.0, "sample_rate": RATE, "finite": False}


def test_a_gap_inside_is_measured_and_silence_around_is_not():
    quiet, loud = np.zeros(RATE), noise()[: RATE // 2]
    found = metrics(np.concatenate([quiet, loud, quiet[: RATE // 2], loud, quiet]))
    assert found["inner_silence"] == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("length", [0, 1, 1000, 2400, 4000])
def test_any_length_can_be_measured(length):
    assert metrics(noise()[:length])["seconds"] == length / RATE


def test_a_wave_is_read_as_it_was_written(tmp_path):
    path = str(tmp_path / "a.wav")
    worker.write_wave(path, np.float32(tone(300)), RATE)
    again = worker.read_wave(path, RATE)
    assert np.abs(again - tone(300)).max() < 1e-4


def test_a_wave_is_resampled(tmp_path):
    path = str(tmp_path / "a.wav")
    with wave.open(path, "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", ""))
        stereo = np.repeat(tone(300)[:, None], 2, 1)
        file.writeframes((stereo * 32767).astype("<i2").tobytes())
    again = worker.read_wave(path, RATE)
    assert len(again) == len(SECONDS) // 2
    assert metrics(again)["level_dbfs"] == pytest.approx(metrics(tone(300))["level_dbfs"], abs=0.1)


def test_another_width_is_refused(tmp_path):
    path = str(tmp_path / "a.wav")
    with wave.open(path, "wb") as file:
        file.setparams((1, 1, RATE, 0, "NONE", ""))
        file.writeframes(bytes(100))
    with pytest.raises(ValueError, match="8 bits"):
        worker.read_wave(path, RATE)


def test_the_picture_is_an_svg_with_a_valid_png():
    found = ET.fromstring(worker.draw(reference(), RATE))
    (image,) = found.iter("{http://www.w3.org/2000/svg}image")
    data = b64decode(image.get("href").removeprefix("data:image/png;base64,"))
    chunks, pixels = {}, b""
    stream = io.BytesIO(data)
    assert stream.read(8) == b"\x89PNG\r\n\x1a\n"
    while size := stream.read(4):
        kind, body = stream.read(4), stream.read(int.from_bytes(size, "big"))
        assert int.from_bytes(stream.read(4), "big") == zlib.crc32(kind + body)
        chunks[kind] = body
    width, height = (int.from_bytes(chunks[b"IHDR"][at : at + 4], "big") for at in (0, 4))
    pixels = zlib.decompress(chunks[b"IDAT"])
    assert len(pixels) == height * (width + 1)
    assert max(pixels) < len(chunks[b"PLTE"]) // 3
    assert width <= worker.WIDTH
    labels = [each.text for each in found.iter("{http://www.w3.org/2000/svg}text")]
    assert "8 kHz" in labels


@pytest.mark.parametrize("audio", [np.zeros(100), np.full(5000, np.nan), noise()[:1]])
def test_any_sound_can_be_drawn(audio):
    ET.fromstring(worker.draw(audio, RATE))


def test_the_picture_of_silence_is_dark_and_of_speech_is_not():
    assert worker.spectrogram(np.zeros(RATE), RATE).max() == 0
    assert worker.spectrogram(worker.read_wave(str(VOICE / "ref.wav"), RATE), RATE).max() == 1


def test_what_json_cannot_hold_becomes_null():
    found = worker.jsonable({"a": float("nan"), "b": [np.float32(0.5), math.inf], 3: Path("x")})
    assert found == {"a": None, "b": [0.5, None], "3": "x"}


def test_the_file_is_python_3_10_and_imports_only_the_standard_library():
    tree = ast.parse(Path(worker.__file__).read_bytes(), feature_version=(3, 10))
    nodes = list(ast.walk(tree))
    names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {each.split(".")[0] for each in names} <= sys.stdlib_module_names


class Talker:
    def __call__(self, number):
        if number < 0:
            raise ValueError(number)
        return number


@pytest.mark.parametrize("numbers", [[1, 2, 3], [1, 2, -1]])
def test_what_is_spoken_is_counted_and_the_model_left_as_it_was(numbers):
    model, channel = mock.Mock(talker=Talker()), mock.Mock(tokens=7)
    call = Talker.__call__
    with contextlib.suppress(ValueError), worker.counting(model, channel):
        assert [model.talker(each) for each in numbers] == numbers
    assert channel.tokens == 3
    assert Talker.__call__ is call
    with worker.counting(mock.Mock(spec=[]), channel):  # a model that has no talker
        assert channel.tokens == 0
