"""`torrentctl watch`: the live screen."""
