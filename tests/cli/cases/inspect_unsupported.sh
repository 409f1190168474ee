# Names are shown without control characters; inspecting is no failure.
ashore inspect unsupported.onnx --dim N=1
