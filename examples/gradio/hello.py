"""Hello world: one function between two texts."""

import gradio as gr


def greet(name: str, intensity: float) -> str:
    return "Hello, " + name + "!" * int(intensity)


demo = gr.Interface(
    fn=greet,
    inputs=[gr.Textbox(label="Name", placeholder="Who is there?"),
            gr.Slider(1, 10, value=2, step=1, label="Intensity")],
    outputs=gr.Textbox(label="Greeting"),
    title="Hello world",
    description="Write a **name** and press *Submit*.",
)

if __name__ == "__main__":
    demo.launch()
