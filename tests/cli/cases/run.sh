# All the ways to give the one input, all to the same end.
ashore run relu.onnx -i x.npy
ashore run relu.onnx -i x=x.npy
ashore run relu.onnx -ix.pb
ashore run --input=x=fortran.npy --threads=1 --cpu none --dim N=2 -- relu.onnx
