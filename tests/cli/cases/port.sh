# The folder, its page, and a manifest that tells the truth.
ashore port relu.onnx -o site --app app.js --asset style.css --asset x.npy
find site -type f | sort
cat site/index.html site/app.js
cat site/manifest.json
(cd site && sha256sum app.js relu.onnx)
ashore port relu.onnx -o site --app app.js
