ashore inspect weights.onnx --dim N=2
