"""onnxruntime.capi, where programs look for exceptions."""
