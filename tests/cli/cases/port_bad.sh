try() { code=0; ashore port "$@" || code=$?; echo "exit $code"; }
try missing.onnx -o site --app app.js
try truncated.onnx -o site --app app.js
try outside.onnx -o site --app app.js
try relu.onnx -o site --app style.css
try relu.onnx -o site --app missing.js
try relu.onnx -o site --app app.js --asset missing.txt
try relu.onnx -o site --app app.js --asset app.js
try relu.onnx -o good --app app.js
try relu.onnx -o good --app app.js --force
cp app.js 'my app.js'
try relu.onnx -o other --app 'my app.js'
