# Above 50 MB port says what quantising would bring, from the types of the weights.
truncate -s 52000000 large.bin
ashore port floats.onnx -o site | sed 1,2d
ashore port bytes.onnx -o site | sed 1,2d
