"""A generator whose answer grows while it runs, with progress; Stop ends it."""

import asyncio

import gradio as gr


async def count(limit: int, progress=gr.Progress()):
    text = ""
    for number in progress.tqdm(range(1, int(limit) + 1), desc="Counting"):
        text += f"{number} "
        yield text.strip()
        await asyncio.sleep(0.02)


demo = gr.Interface(
    count,
    gr.Slider(1, 500, value=20, step=1, label="Count to"),
    gr.Textbox(label="Numbers", lines=3),
    title="Streaming",
)

if __name__ == "__main__":
    demo.queue().launch()
