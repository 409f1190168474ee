# Help is the same wherever it is asked for.
ashore run --help >a
ashore help run >b
ashore run model.onnx -i x.npy -h >c
cmp a b
cmp a c
cat a
