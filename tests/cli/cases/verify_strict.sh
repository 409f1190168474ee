ashore verify bad/unsupported || echo "exit $?"
ashore verify --strict bad/unsupported || echo "exit $?"
