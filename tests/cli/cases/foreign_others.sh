# The other commands that load a model say what a file is, and which command says more.
try() { code=0; ashore "$@" || code=$?; echo "exit $code"; }
printf 'GGUF\3\0\0\0' >net.gguf
echo nothing >net.tflite
try inspect net.gguf
try run net.gguf -i x.npy
try bench net.gguf
try bench net.gguf --target wasm
try bench net.tflite --target browser
try inspect net.tflite
try inspect missing.gguf
