import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_it_says_where_it_listens_and_stops_when_told() -> None:
    command = [sys.executable, "-m", "launcher", "simulator", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{ready['base_url']}/no-such-path", timeout=10)
            assert refused.value.code >= 400
            refused.value.close()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
