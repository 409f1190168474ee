"""python3 -m ashore_tools.audit: the same as `ashore audit`."""

import sys

from . import main

sys.exit(main(sys.argv[1:]))
