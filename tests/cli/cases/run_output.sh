# Outputs come whole, under safe names, and can be read back.
ashore run relu.onnx -i x.npy -o out/deep
ashore run relu.onnx -i out/deep/y.npy
ashore run names.onnx -i x.npy -o out
ls -A out out/deep
