"""A table of examples that run when they are chosen, and a table as the answer."""

import gradio as gr


def words(text: str, least: int):
    counts = {}
    for word in text.lower().split():
        word = word.strip(".,;:!?")
        counts[word] = counts.get(word, 0) + 1
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [[word, count] for word, count in rows if count >= least]


with gr.Blocks(title="Words") as demo:
    gr.Markdown("# How often is each word there?")
    with gr.Row():
        with gr.Column(scale=2):
            text = gr.Textbox(label="Text", lines=4)
            least = gr.Slider(1, 5, value=1, step=1, label="At least")
            button = gr.Button("Count", variant="primary")
        with gr.Column():
            table = gr.Dataframe(headers=["word", "count"], type="array", label="Words")
    button.click(words, [text, least], table)
    gr.Examples(
        [["The cat sat on the mat.", 1], ["To be or not to be, that is the question.", 2],
         ["Row, row, row your boat, gently down the stream.", 1]],
        [text, least], table, words, run_on_click=True)

if __name__ == "__main__":
    demo.launch()
