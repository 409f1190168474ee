# Headers for static hosts; files that are named after their content may be kept for ever.
cp style.css style-0a1b2c3d.css
cp x.npy deadbeef.npy
ashore port relu.onnx -o site --asset style.css --asset style-0a1b2c3d.css --asset deadbeef.npy >port.txt
cat site/_headers
printf x >_headers
ashore port relu.onnx -o again --asset _headers || echo "exit $?"
