ashore verify --json bad/value good/set_2
