"""A live form: the answer follows each change."""

import gradio as gr


def order(size, topping, extras, cold, count):
    price = {"small": 3.0, "large": 5.0}[size] + 0.5 * len(extras)
    text = f"{int(count)} {size} {topping}" + (f" with {' and '.join(extras)}" if extras else "")
    return text + (", cold" if cold else ""), {"price": round(price * count, 2), "extras": extras}


demo = gr.Interface(
    order,
    [gr.Radio(["small", "large"], value="small", label="Size"),
     gr.Dropdown([("Chocolate", "chocolate"), ("Vanilla", "vanilla")], label="Flavour"),
     gr.CheckboxGroup(["cream", "nuts", "fruit"], label="Extras"),
     gr.Checkbox(label="Cold", value=True),
     gr.Number(1, label="How many", minimum=1, maximum=20, precision=0)],
    [gr.Textbox(label="Order"), gr.JSON(label="Bill")],
    live=True,
    title="Ice cream",
)

if __name__ == "__main__":
    demo.launch()
