# Mistakes on the command line end with 2, print nothing on stdout and say what was meant.
try() { code=0; ashore "$@" || code=$?; [ $code -eq 2 ] || echo "exit code $code for: $*"; }
try inspct relu.onnx
try frobnicate
try --frob
try inspect
try inspect relu.onnx other.onnx
try inspect --jsn relu.onnx
try inspect --zzz relu.onnx
try inspect --json=1 relu.onnx
try inspect relu.onnx --dim
try inspect relu.onnx --dim N
try inspect relu.onnx --dim N=-1
try inspect relu.onnx --dim N=1x
try inspect relu.onnx --dim Q=1
try inspect relu.onnx --cpu mmx
try run relu.onnx --threads many
try run relu.onnx --threads 9999
try bench relu.onnx --runs 0
try bench relu.onnx --target gpu
try verify --rtol nan good
try verify --atol -1 good
try site empty --port 70000
try port relu.onnx --app app.js
