ashore bench relu.onnx --runs 3 --threads 1 --per-op
