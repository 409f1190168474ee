# Strings, sequences, and what is not finite.
ashore run strings.onnx -i text.npy
ashore run strings.onnx -i text.npy -o out
cmp text.npy out/y.npy && echo same
ashore run sequence.onnx -i pair.npy
ashore run sequence.onnx -i pair.npy -o out
ashore run relu.onnx -i nan.npy
