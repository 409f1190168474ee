try() { code=0; ashore bench "$@" || code=$?; echo "exit $code"; }
try missing.onnx
try unsupported.onnx
