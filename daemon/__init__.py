"""The only place with a loop, sockets, threads, a clock and a log."""
