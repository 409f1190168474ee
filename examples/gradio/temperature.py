"""Two sliders that follow each other: `input` fires for what a user does, not for updates."""

import gradio as gr


def to_fahrenheit(celsius: float) -> float:
    return round(celsius * 9 / 5 + 32, 1)


def to_celsius(fahrenheit: float) -> float:
    return round((fahrenheit - 32) * 5 / 9, 1)


def describe(celsius: float) -> str:
    if celsius < 0:
        return "Water is **ice**."
    return "Water **boils**." if celsius >= 100 else "Water is **liquid**."


with gr.Blocks(title="Temperature") as demo:
    gr.Markdown("# Temperature\nMove one of the sliders.")
    with gr.Row():
        celsius = gr.Slider(-50, 150, value=20, step=0.1, label="Celsius")
        fahrenheit = gr.Slider(-58, 302, value=68, step=0.1, label="Fahrenheit")
    state = gr.Markdown(describe(20))
    celsius.input(to_fahrenheit, celsius, fahrenheit)
    fahrenheit.input(to_celsius, fahrenheit, celsius)
    celsius.change(describe, celsius, state)

if __name__ == "__main__":
    demo.launch()
