"""demo_picture.py OUT: a photographed page (scikit-image's `page`) as OUT/page.png, the same as
OUT/sample.png for the web page and, for programs without a decoder, OUT/page.rgba with
OUT/page.json."""

import json
import os
import sys

from PIL import Image
from skimage import data


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    page = Image.fromarray(data.page()).convert("RGBA")
    for name in ("page.png", "sample.png"):
        page.save(os.path.join(out, name))
    with open(os.path.join(out, "page.rgba"), "wb") as f:
        f.write(page.tobytes())
    with open(os.path.join(out, "page.json"), "w", encoding="utf-8") as f:
        json.dump({"width": page.width, "height": page.height}, f)


main()
