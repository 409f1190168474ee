# Everything in one file: a policy of hashes that are those of what is inside, files in base64.
ashore port external.onnx -o page.html --one-file --asset style.css
grep -o 'default-src [^"]*' page.html
python3 - <<'END'
import base64, hashlib, re
page = open("page.html", encoding="utf-8").read()
policy = re.search(r'content="(default-src[^"]*)"', page)[1]
inside = re.findall(r"<style>(.*?)</style>", page, re.S)
inside += re.findall(r'<script type="module">(.*?)</script>', page, re.S)
for text in inside:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    print(f"'sha256-{digest}'" in policy)
for name, size, more, text in re.findall(
        r'<script type="text/plain" data-file="([^"]*)" data-bytes="(\d+)"([^>]*)>(.*?)</script>', page):
    data = base64.b64decode(text, validate=True)
    print(name, size == str(len(data)), more)
    if name in ("external.onnx", "weights.bin"):
        print(data == open(name, "rb").read())
END
try() { code=0; ashore port "$@" || code=$?; echo "exit $code"; }
try relu.onnx -o page.html --one-file # of port: written over
echo mine >mine.html
try relu.onnx -o mine.html --one-file
cat mine.html
try relu.onnx -o mine.html --one-file --force
try relu.onnx -o page --one-file
try relu.onnx -o other.html --one-file --app app.js
printf 'a</style>' >bad.css
try relu.onnx -o other.html --one-file --asset bad.css
ls other.html 2>/dev/null || echo 'nothing is written'
