"""demo_picture.py OUT: a line of text from a photographed page (scikit-image's `page`), as
OUT/sample.png and, for programs without a decoder, OUT/sample.rgba with OUT/sample.json."""

import json
import os
import sys

from PIL import Image
from skimage import data

LINE = (0, 44, 384, 68)  # left, top, right, bottom


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    line = Image.fromarray(data.page()).crop(LINE).convert("RGBA")
    line.save(os.path.join(out, "sample.png"))
    with open(os.path.join(out, "sample.json"), "w", encoding="utf-8") as f:
        json.dump({"width": line.width, "height": line.height}, f)
    with open(os.path.join(out, "sample.rgba"), "wb") as f:
        f.write(line.tobytes())


main()
