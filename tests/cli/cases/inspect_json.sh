ashore inspect weights.onnx --json --dim N=2
