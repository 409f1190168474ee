# Two cases, in the order of their numbers, one only within a tolerance.
ashore verify good
ashore verify good/set_2/ good/set_10
ashore verify good --rtol 1e-5 || echo "exit $?"
