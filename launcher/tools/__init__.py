"""The coding tools on this machine: which there are, and how they are set up (the facts are in `korproxy_addons/presets`)."""
