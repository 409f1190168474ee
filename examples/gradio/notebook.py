"""Blocks with tabs, state and updates: a list of notes that lasts as long as the page."""

import gradio as gr


def add(text: str, notes: list):
    if not text.strip():
        gr.Warning("There is nothing to note.")
        return gr.skip(), notes
    return "", notes + [text.strip()]


def listed(notes: list):
    lines = "\n".join(f"{i + 1}. {note}" for i, note in enumerate(notes))
    return lines or "*No notes yet.*", gr.update(choices=notes, value=notes[-1] if notes else None), \
        gr.Button(interactive=bool(notes))


def remove(note: str, notes: list):
    return [one for one in notes if one != note]


with gr.Blocks(title="Notebook") as demo:
    notes = gr.State([])
    gr.Markdown("# Notebook")
    with gr.Tab("Write"):
        text = gr.Textbox(label="Note", placeholder="Remember the milk")
        button = gr.Button("Add", variant="primary")
        shown = gr.Markdown("*No notes yet.*")
    with gr.Tab("Tidy up"):
        which = gr.Dropdown([], label="Note to remove")
        gone = gr.Button("Remove", variant="stop", interactive=False)
    gr.on([button.click, text.submit], add, [text, notes], [text, notes])
    notes.change(listed, notes, [shown, which, gone])
    gone.click(remove, [which, notes], notes)

if __name__ == "__main__":
    demo.launch()
