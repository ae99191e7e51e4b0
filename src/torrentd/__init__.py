"""torrentd: a trackerless, DHT-based torrent daemon. The folders beside `src/` are its packages."""
