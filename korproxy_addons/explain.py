"""`python -m korproxy_addons.explain`: why a request goes where it goes (`gateway/explain_program.py`)."""

import sys

from korproxy_addons.gateway.explain_program import main

if __name__ == "__main__":
    sys.exit(main())
