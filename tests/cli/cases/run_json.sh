ashore run relu.onnx -i x.npy -o out --json
