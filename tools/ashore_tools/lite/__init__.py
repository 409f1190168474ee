"""Pages as people wrote them for Gradio-Lite: HTML with <gradio-lite> elements that hold programs.

`tokens.py` splits HTML as browsers do, `document.py` finds the elements in it, `programs.py` makes
programs of them, `resources.py` finds what the page itself asks for, and `rewrite.py` makes the page
that is written.  `build.py` is the command `ashore app PAGE.html`, `judge.py` `ashore audit PAGE.html`."""
