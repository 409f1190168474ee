# A page that was written for onnxruntime-web and changed its import.
printf "%s\n" "import * as ort from 'ashore/ort';" "import o from 'ashore/orts';" >page.mjs
ashore port relu.onnx -o site --app page.mjs >port.txt
cat site/page.mjs
