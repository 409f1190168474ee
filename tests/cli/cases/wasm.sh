# Arguments go to Node without --target; its exit code is the program's.
export ASHORE_NODE=/bin/echo
ashore verify --target wasm --rtol 1e-2 good --json | sed "s|$BIN|BIN|"
ashore bench relu.onnx --target=wasm --runs 3 --cpu simd128 | sed "s|$BIN|BIN|"
ASHORE_NODE=/bin/false ashore bench relu.onnx --target wasm || echo "exit $?"
ASHORE_NODE=/no/node ashore bench relu.onnx --target wasm || echo "exit $?"
