# An index.html of one's own replaces the page.
echo '<!doctype html><title>mine</title>' >index.html
ashore port relu.onnx -o site --app app.js --asset index.html
cat site/index.html
grep -c '"path": "index.html"' site/manifest.json
