# What comes before and behind models comes along for a page that names it, and for no other.
printf "%s\n" "import { openPrep } from 'ashore/prep';" >page.mjs
ashore port relu.onnx -o site --app page.mjs >port.txt
cat site/page.mjs
find site -name '*prep*' | sort
grep -c prep site/manifest.json
ashore port relu.onnx -o other --app app.js --asset page.mjs >port.txt
find other -name '*prep*' | sort
echo '<script type="module" src="app.js"></script><!-- ./ashore/pre' >index.html
ashore port relu.onnx -o plain --app app.js --asset index.html >port.txt
find plain -name '*prep*'
