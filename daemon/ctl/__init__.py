"""torrentctl: one request on the control socket, one answer shown."""
