"""The program's commands that are written in Python: `ashore app` and `ashore audit`.

Each command is a module with main(arguments) -> exit code; start.py is what the program starts."""
