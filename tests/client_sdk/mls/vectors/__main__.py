import sys

from tests.client_sdk.mls.vectors.runner import main

sys.exit(main(sys.argv[1:]))
