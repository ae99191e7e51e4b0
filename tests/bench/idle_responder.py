"""A do-nothing responder: its rate is the most that the load can show (what the load itself costs).

    python -m tests.bench.idle_responder HOST PORT          (until its standard input ends)

It sends one prepared answer of the size of a real one back, with the query's transaction id in it.
"""

import selectors
import socket
import sys

ANSWER = b"d1:rd2:id20:%b5:nodes208:%be1:t2:%b1:y1:re"
NODES = bytes(208)


def main() -> None:
    address = (sys.argv[1], int(sys.argv[2]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(sock, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not sock:
                    return
                answer_waiting(sock)


def answer_waiting(sock: socket.socket) -> None:
    for _ in range(128):
        try:
            data, source = sock.recvfrom(2048)
        except BlockingIOError:
            return
        at = data.rindex(b"1:t2:") + 5
        sock.sendto(ANSWER % (bytes(20), NODES, data[at : at + 2]), source)


if __name__ == "__main__":
    main()
