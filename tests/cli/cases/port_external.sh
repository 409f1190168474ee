ashore port external.onnx -o site --app app.js
cmp weights.bin site/weights.bin && echo same
grep -A3 '"external": \[' site/manifest.json
