"""PNG files are decoded as pillow does, colours of transparent pixels included."""

import base64
import io
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from conftest import node

_random = np.random.default_rng(11)


def file_of(image, **options):
    made = io.BytesIO()
    image.save(made, "PNG", **options)
    return made.getvalue()


def pixels(*shape):
    return _random.integers(0, 256, shape, dtype=np.uint8)


def decoded(files):
    done = subprocess.run([node(), str(Path(__file__).with_name("decode_png.mjs"))],
                          input=json.dumps([base64.b64encode(f).decode() for f in files]), text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def smooth(*shape):
    """Pixels for which pillow chooses all the filters of lines."""
    rows = np.add.outer(np.arange(shape[0]) * 3, np.arange(shape[1]) * 5)[..., None]
    return (rows + np.arange(shape[2]) * 40 + pixels(*shape) % 4).astype(np.uint8)


def test_files_of_eight_bits_are_those_of_pillow():
    images = [Image.fromarray(made(h, w, c), mode) for made in (pixels, smooth)
              for h, w, c, mode in ((7, 5, 3, "RGB"), (9, 4, 4, "RGBA"), (40, 33, 2, "LA"), (1, 1, 4, "RGBA"))]
    images += [Image.fromarray(pixels(6, 8)), Image.fromarray(smooth(64, 48, 4), "RGBA")]
    files = [file_of(image) for image in images]
    plain = Image.fromarray(pixels(6, 8, 3)).quantize(200)
    files += [file_of(plain), file_of(plain, transparency=bytes([0, 3, 128]))]
    for file, made in zip(files, decoded(files)["found"]):
        wanted = np.asarray(Image.open(io.BytesIO(file)).convert("RGBA"))
        assert (made["height"], made["width"]) == wanted.shape[:2]
        assert base64.b64decode(made["data"]) == wanted.tobytes()


def test_other_files_are_left_to_the_browser_or_refused():
    few = Image.fromarray(pixels(6, 8)).quantize(4)
    deep = Image.fromarray(_random.integers(0, 65536, (3, 3), dtype=np.uint16))
    found = decoded([b"\xff\xd8\xff\xe0", file_of(few, bits=2), file_of(deep)])
    assert found["found"][:2] == [None, None]
    assert "16 bits" in found["found"][2]["error"]
    assert "transparent picture" in found["transparent"]
