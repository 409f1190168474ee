# examples/run_model.c
run_model weights.onnx
run_model missing.onnx || echo "exit $?"
