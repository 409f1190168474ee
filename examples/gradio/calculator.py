"""A calculator: errors are shown on the page, and examples fill in the fields."""

import gradio as gr


def calculate(a: float, operation: str, b: float) -> float:
    if operation == "add":
        return a + b
    if operation == "subtract":
        return a - b
    if operation == "multiply":
        return a * b
    if b == 0:
        raise gr.Error("Nothing can be divided by zero.", title="Division")
    return a / b


demo = gr.Interface(
    calculate,
    [gr.Number(label="First", value=4),
     gr.Radio(["add", "subtract", "multiply", "divide"], label="Operation", value="add"),
     gr.Number(label="Second", value=2)],
    gr.Number(label="Result"),
    title="Calculator",
    examples=[[45, "add", 3], [3.5, "divide", 2], [144, "divide", 0], [0.5, "multiply", 8]],
)

if __name__ == "__main__":
    demo.launch()
