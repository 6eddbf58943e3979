"""One contract per provider: its hosts, routes, credentials, refusals, limits and model lists."""
