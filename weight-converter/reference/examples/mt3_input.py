"""What the examples feed to an MT3: a segment of sound, its log-mel, and ids. numpy only; no model is needed to read it."""
import pathlib
import wave

import numpy as np

import record_reference

RATE, HOP, WINDOW, BANDS, FRAMES = 16000, 128, 2048, 512, 256


def options(parser):
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--audio", help="WAV file: 16 bit, 16 kHz, one channel")
    source.add_argument("--input", help="a trace or reference whose samples, features and ids are used")
    parser.add_argument("--segment", type=int, default=0, help="which segment of the audio file (default: %(default)s)")
    parser.add_argument("--fed", type=int, default=16, help="how many ids the decoder is fed (default: %(default)s)")
    parser.add_argument("--said", type=int, default=64, help="how many ids it says by itself, at most (default: %(default)s)")


def features(options, recorder):
    """Records the samples [1, samples] and gives the log-mel [1, frames, bands]."""
    if options.input:
        stored, _ = record_reference.read(options.input)
        if "frontend.in" in stored:
            recorder.given("frontend.in", lambda: stored["frontend.in"])
        return recorder.given("frontend.logmel", lambda: stored["frontend.logmel"])
    samples = recorder.given("frontend.in", lambda: segment(options.audio, options.segment))
    return recorder.given("frontend.logmel", lambda: log_mel(samples[0])[None])


def said(options, recorder, greedy):
    """What the model says by itself [1, positions], not yet recorded: it is, at the end of the run."""
    most = options.said
    if options.input and "decoder.tokens" in record_reference.read(options.input)[0]:
        most = record_reference.read(options.input)[0]["decoder.tokens"].shape[1]
    return recorder.same("decoder.tokens", lambda: np.array([greedy(most)]))


def ids(options, recorder, said):
    """Records and gives the ids that the decoder is fed [1, positions]: those of the input, or the start id and the first that the model says."""
    if options.input and "decoder.input_ids" in record_reference.read(options.input)[0]:
        return recorder.given("decoder.input_ids", lambda: record_reference.read(options.input)[0]["decoder.input_ids"])
    fed = [0, *said[0][: options.fed - 1]]
    return recorder.given("decoder.input_ids", lambda: np.array([fed + [0] * (options.fed - len(fed))]))


def segment(path, number, length=FRAMES * HOP):
    with wave.open(str(pathlib.Path(path))) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise record_reference.Problem(f"{path}: expected WAV of 16 bit, {RATE} Hz, one channel")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    part = samples[number * length : (number + 1) * length]
    if not len(part):
        raise record_reference.Problem(f"{path} has no segment {number}: it has {len(samples) / RATE:.1f} s")
    return np.pad(part, (0, length - len(part)))[None]


def log_mel(samples):
    """Frames of 8 ms that look ahead, magnitudes, bands straight in mel; the logarithm of nothing is that of 1e-5."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, WINDOW)), WINDOW)[: len(samples) : HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    magnitudes = np.abs(np.fft.rfft(frames * hann))
    mel = magnitudes @ mel_matrix()
    return np.log(np.where(mel > 0, mel, 1e-5)).astype(np.float32)


def mel_matrix(low=20.0, high=7600.0):
    def mel(hertz):
        return 1127 * np.log1p(hertz / 700)

    edges = np.linspace(mel(low), mel(high), BANDS + 2)
    bins = mel(np.arange(WINDOW // 2 + 1) * RATE / WINDOW)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling))
    weights[0] = 0
    return weights
