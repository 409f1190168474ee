# The engine with every operator comes along for a model that needs it, and for no other.
for model in relu strings sequence; do
    ashore port $model.onnx -o site --force >port.txt
    echo "$model: $(find site -name '*.wasm' | sort | tr '\n' ' ')"
    rm -r site
done
rm -- "$BIN/js/core_operators.txt"
ashore port relu.onnx -o site >port.txt
find site -name '*.wasm' | sort
printf 'Add\nIdentity\nRelu\n' >"$BIN/js/core_operators.txt"
