"""Filters of a picture, as an array of bytes and without any library."""

import gradio as gr


def sepia(image):
    if image is None:
        return None
    height, width, channels = image.shape
    pixels = image.tobytes()
    out = bytearray(len(pixels))
    for at in range(0, len(pixels), channels):
        r, g, b = pixels[at:at + 3]
        out[at] = min(255, int(0.393 * r + 0.769 * g + 0.189 * b))
        out[at + 1] = min(255, int(0.349 * r + 0.686 * g + 0.168 * b))
        out[at + 2] = min(255, int(0.272 * r + 0.534 * g + 0.131 * b))
    return memoryview(out).cast("B", (height, width, channels))


def invert(image):
    if image is None:
        return None
    inverse = bytes(255 - value for value in range(256))
    return memoryview(image.tobytes().translate(inverse)).cast("B", image.shape)


def apply(image, name):
    return {"sepia": sepia, "invert": invert}[name](image)


demo = gr.Interface(
    apply,
    [gr.Image(type="array", label="Picture"), gr.Radio(["sepia", "invert"], value="sepia",
                                                       label="Filter")],
    gr.Image(label="Filtered"),
    title="Filters",
)

if __name__ == "__main__":
    demo.launch()
