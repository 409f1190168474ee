try() { code=0; ashore "$@" || code=$?; echo "exit $code"; }
try inspect missing.onnx
try inspect empty
try inspect truncated.onnx
try inspect x.npy
