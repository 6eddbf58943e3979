"""The client side of an exchange: mitmproxy's layers, the sinks, and the leg that serves them."""
