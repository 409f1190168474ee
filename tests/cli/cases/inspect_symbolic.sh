# Without the extents there is no prediction, and it says which are needed.
ashore inspect relu.onnx
ashore inspect nameless.onnx
ashore inspect nameless.onnx --dim x:0=4
