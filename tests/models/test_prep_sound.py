"""Sound (ashore_prep.h) against NumPy and SciPy."""

import ctypes as c
import math

import numpy as np
import pytest
import scipy.signal
from ashore_ctypes import AshoreError
from test_prep import call, on, taken

FLOAT32, INT16 = 1, 5
POWER, LN, DB, WHISPER = range(4)


class Sound(c.Structure):
    _fields_ = [("samples", c.c_void_p), ("dtype", c.c_int32), ("channels", c.c_int32),
                ("frames", c.c_int64), ("step", c.c_int64), ("channel_step", c.c_int64),
                ("rate", c.c_int32)]


class Mel(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("rate", c.c_int32), ("fft", c.c_int32),
                ("window", c.c_int32), ("hop", c.c_int32), ("mels", c.c_int32), ("low", c.c_float),
                ("high", c.c_float), ("htk", c.c_int32), ("normalize", c.c_int32),
                ("center", c.c_int32), ("power", c.c_float), ("log", c.c_int32),
                ("least", c.c_float), ("drop_last", c.c_int32)]


def resampled(library, x, rate, to, **changes):
    """x: [T], or [channels, T] one behind the other, or transposed, side by side."""
    two = np.atleast_2d(x)
    size = x.itemsize
    sound = Sound(x.ctypes.data, INT16 if x.dtype == np.int16 else FLOAT32, two.shape[0],
                  two.shape[1], two.strides[1] // size, two.strides[0] // size, rate)
    for name, value in changes.items():
        setattr(sound, name, value)
    value = c.c_void_p()
    call(library, "ashore_sound_tensor", c.byref(sound), to, c.byref(value))
    return taken(library, value)


def reference(x, rate, to):
    """The windowed sine cardinal, in double; each sample's weights sum to 1."""
    up, down = to // math.gcd(rate, to), rate // math.gcd(rate, to)
    scale = min(1, up / down)
    reach, beta = 64 / scale, 0.1102 * (100 - 8.7)
    y = np.zeros(-(-len(x) * up // down))
    for n in range(len(y)):
        whole, rest = divmod(n * down, up)
        k = np.arange(1 - math.ceil(reach), math.ceil(reach) + 1)
        t = k - rest / up
        w = np.sinc(0.95 * scale * t) * np.i0(beta * np.sqrt(np.maximum(1 - (t / reach)**2, 0)))
        w[np.abs(t) >= reach] = 0
        at = k + whole
        inside = (at >= 0) & (at < len(x))
        y[n] = w[inside] @ x[at[inside]] / w.sum()
    return y


RATES = [(48000, 16000), (44100, 16000), (8000, 16000), (16000, 44100), (22050, 24000),
         (16001, 16000), (7, 5), (1, 3)]


@pytest.mark.parametrize("rate,to", RATES)
def test_resampling(library, rate, to):
    x = np.random.default_rng(1).normal(0, 1, 1500).astype(np.float32)
    got = resampled(library, x, rate, to)
    want = reference(x.astype(np.float64), rate, to)
    assert got.shape == (1, len(want)) and got.dtype == np.float32
    # Sums of up to 2 * 64 * 3 products of float32 with weights below 1.
    assert np.abs(got[0] - want).max() < 3e-6


@pytest.mark.parametrize("rate,to", [(48000, 16000), (44100, 16000), (16000, 48000)])
def test_against_scipy(library, rate, to):
    """The same filter, designed by SciPy; its phases are not normalised one by one."""
    x = np.random.default_rng(2).normal(0, 1, 4000)
    up, down = to // math.gcd(rate, to), rate // math.gcd(rate, to)
    widest = max(up, down)
    taps = scipy.signal.firwin(2 * 64 * widest + 1, 0.95 / widest,
                               window=("kaiser", 0.1102 * (100 - 8.7)))
    want = scipy.signal.resample_poly(x, up, down, window=taps)
    got = resampled(library, x.astype(np.float32), rate, to)[0]
    assert np.abs(got - want).max() < 1e-4


@pytest.mark.parametrize("rate,to", [(48000, 16000), (44100, 16000), (16000, 44100), (8000, 16000)])
def test_bands(library, rate, to):
    """What the header says of pass band and stop band."""
    nyquist = min(rate, to) / 2
    t = np.arange(rate // 2) / rate

    def gain(hz):
        y = resampled(library, np.sin(2 * np.pi * hz * t).astype(np.float32), rate, to)[0]
        middle = y[len(y) // 4: -len(y) // 4].astype(np.float64)
        return middle, np.arange(len(y))[len(y) // 4: -len(y) // 4] / to

    for part in 0.01, 0.3, 0.7, 0.9:
        y, at = gain(part * nyquist)
        wave = np.stack([np.sin(2 * np.pi * part * nyquist * at),
                         np.cos(2 * np.pi * part * nyquist * at)])
        a = np.linalg.lstsq(wave.T, y, rcond=None)[0]
        assert abs(20 * np.log10(np.hypot(*a))) < 0.001
        assert np.abs(y - a @ wave).max() < 10**(-95 / 20)
    if to < rate:
        for part in 1.0, 1.1, 1.7, 2.3:
            if part * nyquist < rate / 2:
                y, _ = gain(part * nyquist)
                assert 20 * np.log10(np.abs(y).max()) < -95


def test_a_constant_stays(library):
    for rate, to in RATES[:6]:
        y = resampled(library, np.full(4000, 0.25, np.float32), rate, to)[0]
        assert np.abs(y[len(y) // 3: -len(y) // 3] - 0.25).max() < 1e-6


def test_channels_and_types(library):
    rng = np.random.default_rng(3)
    two = rng.uniform(-1, 1, (2, 500)).astype(np.float32)
    for x in two, np.asfortranarray(two):
        assert np.abs(resampled(library, x, 16000, 16000) - two.mean(0)).max() < 1e-7
    short = rng.integers(-32768, 32768, (3, 400)).astype(np.int16)
    got = resampled(library, np.asfortranarray(short), 8000, 8000)
    assert np.abs(got - short.mean(0) / 32768).max() < 1e-6
    assert resampled(library, two[0], 16000, 16000).tolist() == [two[0].tolist()]
    assert resampled(library, np.zeros((1, 0), np.float32), 48000, 16000).shape == (1, 0)
    assert resampled(library, np.ones((1, 1), np.float32), 48000, 16000).shape == (1, 1)


def test_refused_sound(library):
    x = np.zeros(10, np.float32)
    for rate, to, changes, message in [
        (0, 16000, {}, "rates are"), (16000, 0, {}, "rates are"), (16000, -1, {}, "rates are"),
        (1000001, 1, {}, "rates are"), (1, 1, {"channels": 0}, "0 channels"),
        (1, 1, {"frames": -1}, "-1 samples"), (1, 1, {"frames": 1 << 60}, "samples of 1"),
        (1, 1, {"step": -1}, "apart"), (1, 1, {"samples": None}, "10 samples"),
        (1, 1, {"dtype": 7}, "not int64"), (1, 1, {"frames": 1 << 40}, "too large"),
    ]:
        with pytest.raises(AshoreError, match=message):
            resampled(library, x, rate, to, **changes)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 35])
@pytest.mark.parametrize("size,hop", [(10, 10), (10, 3), (4, 7), (1, 1)])
def test_frames(library, count, size, hop):
    x = np.arange(1, count + 1, dtype=np.float32)[None]
    for whole in 0, 1:
        got = on(library, "ashore_sound_frames", x, c.c_int64(size), c.c_int64(hop), whole)
        want, at = [], 0
        while at + size <= count or (not whole and (at == 0 or at - hop + size < count) and count):
            want.append(np.pad(x[0, at:at + size], (0, size - len(x[0, at:at + size]))))
            at += hop
        assert got.tolist() == np.array(want).reshape(-1, size).tolist()


def test_refused_frames(library):
    x = np.zeros((1, 10), np.float32)
    for array, size, hop, message in [(x, 0, 1, "windows of 0"), (x, 1, 0, "0 apart"),
                                      (np.zeros((2, 5), np.float32), 1, 1, "extents of a sound"),
                                      (x.astype(np.float64), 1, 1, "float32")]:
        with pytest.raises(AshoreError, match=message):
            on(library, "ashore_sound_frames", array, c.c_int64(size), c.c_int64(hop), 0)


# ---- mel bands ------------------------------------------------------------------------------------


def mel(library, x, **options):
    o = Mel()
    library.lib.ashore_mel_options_init(c.byref(o))
    for name, value in options.items():
        setattr(o, name, value)
    return on(library, "ashore_sound_mel", x, c.byref(o))[0]


def to_mel(hz, htk):
    hz = np.asarray(hz, float)
    if htk:
        return 2595 * np.log10(1 + hz / 700)
    with np.errstate(divide="ignore"):
        return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(hz / 1000) / np.log(6.4))


def from_mel(m, htk):
    if htk:
        return 700 * (10**(m / 2595) - 1)
    return np.where(m < 15, m * 200 / 3, 1000 * 6.4**((m - 15) / 27))


def mel_reference(x, rate=16000, fft=400, window=400, hop=160, mels=80, low=0, high=0, htk=0,
                  normalize=1, center=1, power=2):
    """The published definitions of librosa.feature.melspectrogram, with NumPy's transform."""
    hann = np.zeros(fft)
    begin = (fft - window) // 2
    hann[begin:begin + window] = scipy.signal.get_window("hann", window)
    padded = np.pad(x.astype(float), fft // 2, "reflect") if center else x.astype(float)
    count = 1 + (len(padded) - fft) // hop if len(padded) >= fft else 0
    frames = np.array([padded[i * hop:i * hop + fft] * hann for i in range(count)]).reshape(-1, fft)
    energy = np.abs(np.fft.rfft(frames))**power
    edge = from_mel(np.linspace(to_mel(low, htk), to_mel(high or rate / 2, htk), mels + 2), htk)
    hz = np.fft.rfftfreq(fft, 1 / rate)
    up = (hz - edge[:-2, None]) / np.diff(edge)[:-1, None]
    down = (edge[2:, None] - hz) / np.diff(edge)[1:, None]
    weights = np.maximum(0, np.minimum(up, down))
    if normalize:
        weights *= (2 / (edge[2:] - edge[:-2]))[:, None]
    return weights @ energy.T


@pytest.mark.parametrize("options", [
    {}, {"htk": 1, "normalize": 0}, {"power": 1}, {"center": 0}, {"fft": 512, "window": 400},
    {"fft": 1024, "window": 1024, "hop": 256, "mels": 128, "rate": 22050},
    {"fft": 661, "window": 500, "hop": 100, "mels": 40, "low": 20, "high": 7600, "rate": 22050},
    {"fft": 401, "window": 401, "hop": 1000, "center": 0}, {"fft": 2, "window": 1, "mels": 1},
])
def test_mel(library, options):
    x = np.random.default_rng(4).normal(0, 0.1, 5003).astype(np.float32)
    got, want = mel(library, x[None], **options), mel_reference(x, **options)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-9 * np.abs(want).max())


@pytest.mark.parametrize("count", [1, 2, 5, 199, 200, 201, 399, 400, 401])
def test_short_sounds(library, count):
    """Mirrored at their ends, as often as it takes."""
    x = np.random.default_rng(5).normal(0, 0.1, count).astype(np.float32)
    want = mel_reference(x)
    np.testing.assert_allclose(mel(library, x[None]), want, rtol=1e-5,
                               atol=1e-9 * np.abs(want).max())
    assert mel(library, x[None], center=0).shape == (80, 1 if count >= 400 else 0)


def test_logarithms(library):
    """Whisper's features, word for word: log10, 8 below the largest at least, (x + 4) / 4."""
    x = np.random.default_rng(6).normal(0, 0.1, 16000).astype(np.float32)
    x[4000:12000] = 0
    energy = np.maximum(mel_reference(x), 1e-10)
    want = np.log10(energy)[:, :-1]
    want = (np.maximum(want, want.max() - 8) + 4) / 4
    got = mel(library, x[None], log=WHISPER, drop_last=1)
    assert got.shape == (80, 100) and np.abs(got - want).max() < 1e-5
    assert np.abs(mel(library, x[None], log=LN) - np.log(energy)).max() < 1e-4
    assert np.abs(mel(library, x[None], log=DB, least=1e-10) - 10 * np.log10(energy)).max() < 1e-4


def test_refused_mel(library):
    x = np.zeros((1, 100), np.float32)
    for options, message in [
        ({"fft": 1}, "transform of 1"), ({"window": 401}, "window of 401"), ({"hop": 0}, "every 0"),
        ({"fft": 1 << 21}, "transform of"), ({"mels": 0}, "0 bands"), ({"mels": 401}, "401 bands"),
        ({"low": -1}, "-1 to"), ({"low": 9000}, "9000 to"), ({"low": np.nan}, "nan to"),
        ({"high": np.inf}, "to inf"), ({"rate": 0}, "rate of 0"), ({"power": 3}, "power 3"),
        ({"log": 4}, "log 4"), ({"least": 0}, "least 0"),
    ]:
        with pytest.raises(AshoreError, match=message):
            mel(library, x, **options)
    with pytest.raises(AshoreError, match="no samples"):
        mel(library, x[:, :0])
    assert np.isnan(mel(library, np.full((1, 500), np.nan, np.float32))).all()
