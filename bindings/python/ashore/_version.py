"""Filled in by bindings/python/build_wheel.py."""
__version__ = "0"
