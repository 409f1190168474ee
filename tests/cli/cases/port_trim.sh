# Modules and the model are those that trim.mjs makes; it is given the model and a folder of its own.
mkdir -p "$BIN/js/tools" && echo '// here' >"$BIN/js/tools/trim.mjs"
cat >node <<'END'
#!/bin/sh
[ "$(basename "$1")" = trim.mjs ] && [ "$2" = -o ] && [ "$4" = -- ] || exit 9
[ "$(cat "$5")" != bad ] || { echo "ashore trim: it is bad" >&2; exit 3; }
echo small | tee "$3/ashore-relaxed-mt.wasm" >"$3/ashore-relaxed.wasm"
echo prepared >"$3/$(basename "$5")"
echo "ashore-relaxed.wasm  6 of 600 bytes"
echo "$3" >folder.txt
END
chmod +x node
export ASHORE_NODE="$PWD/node"
ashore port relu.onnx -o site --trim
find site -name '*.wasm' | sort
cat site/ashore/ashore-relaxed.wasm site/relu.onnx
[ -e "$(cat folder.txt)" ] || echo removed
ashore port relu.onnx -o page.html --trim --one-file >/dev/null
grep -o 'data-file="[^"]*wasm"' page.html
echo bad >bad.onnx
ashore port bad.onnx -o site2 --trim || echo "exit $?"
[ -e site2 ] || echo "no folder"
rm "$BIN/js/tools/trim.mjs"
ashore port relu.onnx -o site3 --trim 2>missing.txt || echo "exit $?"
grep -c 'trim.mjs is not there' missing.txt
