"""
The script that stock mitmdump and mitmweb are given, together with the address to listen on.

    mitmdump -s entry.py --mode reverse:http://korproxy.invalid@127.0.0.1:1337

The same addons as in KorProxy's own gateway; the folder is KORPROXY_HOME, else `~/.korproxy`. mitmproxy opens its listeners before
it loads a script, so that the address cannot come from the config here. Options the gateway needs are set by its addons.
"""

from korproxy_addons.addons import build
from korproxy_addons.config.store import default_home

addons = list(build(default_home()))
