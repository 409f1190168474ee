ashore bench weights.onnx --runs 3 --per-op --json --dim N=2
