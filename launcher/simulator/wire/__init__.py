"""The four API shapes the simulated providers speak: reading a request, checking it, writing an answer."""
