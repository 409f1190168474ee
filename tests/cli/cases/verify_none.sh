try() { code=0; ashore verify "$@" || code=$?; echo "exit $code"; }
try empty
try missing
try good empty
