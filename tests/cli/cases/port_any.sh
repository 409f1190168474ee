# Without a module of one's own the folder has the page for any model.
ashore port relu.onnx -o site --asset style.css
find site -type f | sort
grep -E 'link|script' site/index.html
grep '"app"' site/manifest.json
mkdir other && cp style.css other/page
ashore port relu.onnx -o again --asset other/page || echo "exit $?"
