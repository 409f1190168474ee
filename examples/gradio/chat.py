"""A conversation with an echo that speaks letter by letter."""

import gradio as gr


def echo(message: str, history: list, loud: bool):
    answer = f"You said: {message}"
    if history:
        answer += f" (after {len(history) // 2} earlier)"
    answer = answer.upper() if loud else answer
    for length in range(1, len(answer) + 1):
        yield answer[:length]


demo = gr.ChatInterface(
    echo,
    type="messages",
    title="Echo",
    description="It says what you say.",
    examples=[["Hello"], ["How are **you**?"]],
    additional_inputs=[gr.Checkbox(label="Loud")],
)

if __name__ == "__main__":
    demo.launch()
