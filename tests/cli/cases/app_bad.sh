try() { code=0; ashore app "$@" || code=$?; echo "exit $code"; }
mkdir program
cd program
try missing.py -o site
try . -o site
printf 'def f(:\n    pass\n' > broken.py
try broken.py -o site
printf 'import helper\n' > app.py
printf 'x = 1\nreturn x\n' > helper.py
try app.py -o site
printf 'import onnxruntime\n\nonnxruntime.InferenceSession("none.onnx")\n' > model.py
try model.py --one-file page.html
printf 'import numpy\nimport subprocess\n\nsubprocess.run("ls")\n' > native.py
try native.py -o site
printf 'print(1)\n' > good.py
try good.py
try good.py -o site --one-file page.html
try good.py --one-file page.txt
try good.py -o good.py
try good.py -o .
try good.py -o site --include ../relu.onnx
try good.py -o site --include nothing
try good.py -o site --wheels nothing
try good.py -o site --lock nothing
try good.py -o site --one
try good.py -o site --snapshot --no-snapshot
try good.py -o site --no-python --snapshot
try good.py -o site --no-python --no-snapshot
try good.py -o site --no-python --no-audit
try good.py -o site --no-python --include broken.py
mkdir mine
echo mine > mine/notes.txt
echo mine > mine.html
try good.py -o mine
try good.py --one-file mine.html
try good.py -o site
ASHORE_PYTHON=./none try good.py -o site
ls -A . mine
