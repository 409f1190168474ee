"""Sessions, where some programs look for them."""
from ashore._ort import InferenceSession, IOBinding, OrtValue  # noqa: F401
