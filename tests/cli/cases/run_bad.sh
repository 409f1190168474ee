try() { code=0; ashore run "$@" || code=$?; echo "exit $code"; }
try relu.onnx
try weights.onnx -i x=x.npy
try weights.onnx -i x.npy
try weights.onnx -i q=x.npy
try weights.onnx -i x=x.npy -i x=x.npy
try relu.onnx -i missing.npy
try relu.onnx -i double.npy
try relu.onnx -i pair.npy
try relu.onnx -i short.npy
try relu.onnx -i pickle.npy
try relu.onnx -i archive.npz
try relu.onnx -i app.js
try relu.onnx -i empty
try relu.onnx -i x.npy --dim N=3
try relu.onnx -i x.npy -o x.npy
try unsupported.onnx -i x.npy
