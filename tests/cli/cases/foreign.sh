# Files of other formats are known by their content, whatever their name, and answered with an export.
zip() { # zip FILE MEMBER...: stored, empty members
    python3 - "$@" <<'EOF'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for name in sys.argv[2:]:
        z.writestr(name, b"")
EOF
}
try() { code=0; ashore "$@" 2>&1 || code=$?; echo "exit $code"; echo; }
zip net.pt net/data.pkl net/version
zip script.onnx net/data.pkl net/constants.pkl net/code/m.py
zip program.pt2 archive_format models/model.json
zip net.keras metadata.json config.json model.weights.h5
zip other.zip readme.txt
printf '\200\2\212\012l\374\234F\371 j\250P\031.' >old.pth
printf '\200\4csklearn.linear_model\n.' >iris.pkl
printf '\200\4cxgboost.sklearn\n.' >trees.pkl
printf '\200\4cnumpy\n.' >w.pdparams
printf '\211HDF\r\n\032\n' >net.h5
printf '\34\0\0\0TFL3' >net.tflite
printf '\34\0\0\0ORTM' >net.ort
printf 'GGUF\3\0\0\0' >net.gguf
printf '\10\0\0\0\0\0\0\0{"a":{} ' >net.safetensors
printf 'CBM1' >net.cbm
printf 'tree\nversion=v4\n' >net.txt
printf 'ftrt' >net.engine
printf 'version https://git-lfs.github.com/spec/v1\n' >lfs.onnx
printf '<!doctype html>' >page.onnx
printf '\37\213\10' >net.gz
mkdir saved net.mlpackage weights both
touch saved/saved_model.pb net.mlpackage/Manifest.json weights/config.json both/config.json
cp relu.onnx both/model.onnx
for f in net.pt script.onnx program.pt2 net.keras other.zip old.pth iris.pkl trees.pkl w.pdparams \
    net.h5 net.tflite net.ort net.gguf net.safetensors net.cbm net.txt net.engine lfs.onnx page.onnx \
    net.gz saved net.mlpackage weights; do
    try port $f
done
# Where content says nothing the name does; what is a model after all is one.
for f in a.pth a.joblib a.PB a.mlmodel a.pdmodel a.caffemodel a.params a.weights a.trt a.bin; do
    echo nothing >$f
    try port $f -o site
done
try port saved/saved_model.pb
mv relu.onnx relu.bin
try port relu.bin -o site
try port both -o other
try port missing.pt -o other
