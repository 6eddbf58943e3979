"""The tray: a remote control. Everything it does, the command line does too."""
