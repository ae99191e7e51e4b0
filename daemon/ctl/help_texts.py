"""What --help says of each verb below its options, and the manual page with it."""

EXAMPLES = """\
examples:
  torrentctl add ubuntu.torrent --wait
  torrentctl add 'magnet:?xt=urn:btih:c9e15763f722…' --dir /srv/films
  torrentctl status --json | jq '.torrents[] | select(.state == "error")'
  torrentctl wait c9e1 --timeout 2h && echo here it is

A torrent is named by its infohash, by 4 or more digits it begins with, or by
its name. Several at once: 'debian-*' (quoted, for the daemon to match names),
state:paused (or another state), label:isos, all.
"""
# By the verb.
DETAILS = {
    "add": """\
On standard input (-): the bytes of one .torrent file, or sources, one a line.
With --from, data that lies in a folder under whatever names is found by size
and proven by piece hash: used where it lies when all has the torrent's own
names, else linked into the download folder (reflink, hard link, a copy only
where the file may be written to); --dry-run says what is there.
With --wait, progress goes to standard error: a bar on a terminal, else a line
now and then. Ctrl-C ends the wait, not the download.

examples:
  torrentctl add debian.iso.torrent --dir /srv/isos --wait --timeout 2h
  torrentctl add c9e15763f722f23e98a29decdfae341b98d53056 --select '*.mkv'
  torrentctl add *.torrent --label isos --limit-up 500K --ratio 2
  torrentctl add old.torrent --from /srv/archive --dry-run
  curl -s https://example.org/a.torrent | torrentctl add -
""",
    "show": """\
File names are those that the files would have on disk. A torrent that torrentd
refuses is refused here with the same words.

examples:
  torrentctl show debian.iso.torrent
  torrentctl show *.torrent --json | jq -r '.torrents[].infohash'
""",
    "create": """\
All cores hash. The file is there whole or not at all, and none is written over.
The same files and piece size give the same infohash, here and with torf
and libtorrent. Links are left out. The torrent names no tracker.

examples:
  torrentctl create debian-13.2.0-amd64-netinst.iso --seed
  torrentctl create ~/films --output films.torrent --piece-size 4M
  torrentctl create dumps --web-seed https://example.org/ --json | jq -r .magnet
""",
    "status": """\
STATE is metadata, checking, downloading, seeding, moving, queued, paused or
error. Sizes and rates are in bytes; K, M, G are powers of 1024. The first
column names the torrent to every other verb. PEERS are those we are connected
to, after the stroke about how many the DHT counts in the swarm. A magnet has a
line below the table: what it waits for, and the seconds that each stage took.

examples:
  torrentctl status
  torrentctl status state:downloading 'debian-*'
  torrentctl status --json | jq '.torrents[] | {name, progress}'
""",
    "watch": """\
A screen that stays: the torrents; Enter opens one with its rates, peers, files
and pieces; d is the DHT. ? tells all keys, among them p pause, r resume,
v verify, x remove (it asks), a add, w why, l limits, / filter, s sort. A magnet
that is pasted is added. It needs a terminal, and textual, which is not brought
by a plain installation: pip install 'torrentd[tui]' does. Ends with 0 after q,
130 after Ctrl-C. NO_COLOR is obeyed.

examples:
  torrentctl watch
  ssh -t server torrentctl watch
""",
    "info": """\
STAGES are those of a magnet with the seconds that each took: a DHT node that
answers, a peer that is known, a handshake, the metadata.

examples:
  torrentctl info c9e1
  torrentctl info c9e1 --json | jq .stages_s
""",
    "files": """\
FILES are numbers, as they are shown, or a name or pattern in quotes: of the
whole path, the path in the torrent's folder, or the last part of it. Options
may be there several times. WANTED says high or low where that was chosen.

examples:
  torrentctl files c9e1
  torrentctl files c9e1 --select '*.mkv' --skip '*sample*'
  torrentctl files c9e1 --also 7 --high 0-2 --low '*.txt'
  torrentctl files c9e1 --sequential on
""",
    "pieces": """\
A cell is had whole (█) or in part (▓▒░), not yet (·), or with nobody who is
connected (x). A bit of the bitfields in the document of --json is a piece, the
high bit of a digit the first.

examples:
  torrentctl pieces c9e1
""",
    "export": """\
Without FILE the magnet is printed. A file that is there is never written over.

examples:
  torrentctl export c9e1
  torrentctl export c9e1 debian.torrent
""",
    "import": """\
DIR is for transmission the folder with `torrents` and `resume` in it
(~/.config/transmission-daemon, /var/lib/transmission-daemon/info), for
qbittorrent that with BT_backup (~/.local/share/qBittorrent), for deluge that
with state (~/.config/deluge), for rtorrent its session folder. Stop the other
daemon first. Folders, labels, unwanted files, limits and ratios are taken over;
the data is checked piece by piece where it lies. Nothing in DIR is changed.

examples:
  torrentctl import transmission ~/.config/transmission-daemon --dry-run
  torrentctl import qbittorrent ~/.local/share/qBittorrent --yes
""",
    "version": """\
--version tells that of torrentctl itself, and asks no daemon.

examples:
  torrentctl version
""",
    "reload": """\
The file is checked whole before anything of it counts; a mistake changes
nothing. Says what took effect, and what waits for a restart. The same as
systemctl reload torrentd, or SIGHUP.

examples:
  torrentctl config diff && torrentctl reload
""",
    "shutdown": """\
Returns once the daemon has ended.

examples:
  torrentctl shutdown
""",
    "pause": """\
examples:
  torrentctl pause c9e1
  torrentctl pause state:downloading
""",
    "resume": """\
examples:
  torrentctl resume c9e1
  torrentctl resume state:error --dry-run
""",
    "remove": """\
Where a pattern names more than one torrent, it asks on a terminal and refuses
elsewhere, unless --yes is given. With --data or --trash only the torrent's own
files go. --trash never copies: the trash is that of the daemon's user where it
is on the same file system, else .Trash-UID at the top of that; where there can
be none, nothing is removed.

examples:
  torrentctl remove c9e1 --trash
  torrentctl remove 'debian-12*' --data --dry-run
  torrentctl remove state:seeding --yes
""",
    "verify": """\
examples:
  torrentctl verify c9e1
  torrentctl verify all && torrentctl wait all
""",
    "announce": """\
It is done every quarter of an hour by itself, and sooner where peers are
lacking. Peers that could not be reached are tried again too.

examples:
  torrentctl announce c9e1 && torrentctl wait c9e1
  torrentctl announce state:downloading
""",
    "why": """\
One sentence a torrent, with its numbers. In the document of --json, cause is
one of error, no-room, paused, moving, queued, checking, check-waits, complete,
disk-behind, handshakes, dialing, unreachable, dht-off, no-dht-nodes,
search-waits, searching, nobody-announces, metadata, no-source, limited, choked,
snubbed, running.

examples:
  torrentctl why
  torrentctl why state:metadata --json | jq -r '.torrents[].cause'
""",
    "peers": """\
FROM is dht, pex (peer exchange), in (it connected to us), magnet or manual.

FLAGS:
  D  we download: it lets us            d  we want to, and it does not let us
  U  we upload to it                    u  it wants us to, and we do not
  S  snubbed: it lets us, nothing came  I  incoming
  H  from the DHT                       X  from peer exchange
  F  fast extension                     E  extension protocol
  O  it only uploads, and wants nothing

examples:
  torrentctl peers c9e1
  torrentctl peers c9e1 --json | jq -r '.peers[].client'
""",
    "limits": """\
Without a torrent: the limits of all torrents together. They are kept over
restarts, stand in `config diff`, and `config drop` takes them back. A torrent's
own limit holds beside that of all. 500K, 1.5M; K and M are powers of 1024.
Rules say when a torrent has given enough; its own are in the place of those of
its labels and of seeding.rules. `--rule default` is back to those.
--super-seed is for the only seed of a torrent, whose upload is short: each peer
is shown a piece or two, and others once somebody has those of it. It holds
until it is switched off; peers that are here come again for it.

examples:
  torrentctl limits
  torrentctl limits --down 4M --up 500K
  torrentctl limits c9e1 'debian-*' --up 100K
  torrentctl limits --alternative on
  torrentctl limits c9e1 --ratio 2 --seed-time 14d
  torrentctl limits c9e1 --super-seed on
""",
    "stats": """\
Payload of torrents; days are those of the daemon's local time. RATIO is what
was uploaded for each byte that was downloaded.

examples:
  torrentctl stats --days 30
  torrentctl stats --json | jq .all.uploaded_bytes
""",
    "resolve": """\
The metadata comes from peers, as for a magnet that is added; then they are left
and nothing is kept. Without FILE it says what the magnet is.

examples:
  torrentctl resolve c9e15763f722f23e98a29decdfae341b98d53056 debian.torrent
  torrentctl resolve 'magnet:?xt=urn:btih:c9e15763f722…' --timeout 5m --json
""",
    "move": """\
Within a file system files are renamed, and peers are away for a moment. To
another one they are copied, synced and compared before the old ones go; a
complete torrent is served meanwhile. What a kill interrupts, the next start
takes up again. Nothing is ever written over. Files that you have moved there
yourself are checked and used.

examples:
  torrentctl move c9e1 /srv/films
  torrentctl move label:isos state:seeding /mnt/archive
""",
    "rename": """\
Without PATH it is only what people call it. With PATH a file or folder gets
another name on disk; peers do not see it.

examples:
  torrentctl rename c9e1 'Debian 13'
  torrentctl rename c9e1 debian/README README.old
""",
    "queue": """\
Without an option: the order in which torrents are served. How many run at once
stands in queue of the configuration; who is stalled does not count. --up and
--down pass the next download, or the next seed. --now starts a torrent whatever
the others do, --later lets it wait for its turn again.

examples:
  torrentctl queue
  torrentctl queue c9e1 'debian-*' --top
  torrentctl queue c9e1 --now
""",
    "label": """\
A label is there when a torrent has it; label:NAME names them all. What labels
bring along (a folder, limits, rules) stands in seeding.labels of the
configuration; folder and limits count for what is added with --label.

examples:
  torrentctl label c9e1 'debian-*' --add isos --remove new
  torrentctl status label:isos
""",
    "add-peer": """\
examples:
  torrentctl add-peer c9e1 192.0.2.7:6881
  torrentctl add-peer c9e1 '[2001:db8::7]:6881'
""",
    "ban": """\
Peers and DHT nodes there are neither asked nor answered, and connections to
them end at once. Bans hold over restarts; of an IPv6 address the whole /64 is
banned. A list of many belongs into a file: network.blocklist.

examples:
  torrentctl ban 192.0.2.7 198.51.100.0/24 2001:db8::/48
  torrentctl ban
  torrentctl ban --remove 192.0.2.7
""",
    "completion": """\
Verbs, options, and the names of the torrents that the daemon has.

examples:
  eval "$(torrentctl completion bash)"             in ~/.bashrc
  eval "$(torrentctl completion zsh)"              in ~/.zshrc, after compinit
  torrentctl completion fish | source              in ~/.config/fish/config.fish
""",
    "wait": """\
--until metadata is reached once the names and sizes of a magnet's files are
known, --until seeding once a torrent is complete and not paused.
A torrent that fails or is paused ends the wait with exit code 1.

examples:
  torrentctl wait c9e1 --until metadata --timeout 90s && torrentctl files c9e1
""",
    "events": """\
Each has a cursor: whoever keeps that of the last one he dealt with, and begins
there the next time, misses nothing, over restarts and kills of the daemon; the
same thing may be told twice after a kill. About the last 5,000 are kept. Where
more came, or the cursor is not of this daemon, an event "missed" says so.
Without --since, --follow begins now.

EVENT is added, metadata, file-done, done, incomplete (it was done and lacks
something again), error, recovered, paused, resumed, removed, network-lost,
network-found, started, stopped, hook-failed, missed.

examples:
  torrentctl events
  torrentctl events --follow --jsonl --since "$CURSOR"
  torrentctl events --jsonl | jq -r 'select(.event == "done").name'
""",
    "follow": """\
The torrent of the newest version is added; when its owner publishes another,
that takes its place, in the same folder: the old one is removed, its data
stays. Without a magnet: all that is followed and published.

examples:
  torrentctl follow 'magnet:?xs=urn:btpk:8543d3e6115f…&s=6e' --dir /srv/dumps
  torrentctl follow --json | jq -r '.pointers[].infohash'
""",
    "unfollow": """\
examples:
  torrentctl unfollow 8543d3e6
""",
    "publish": """\
The key signs here and never reaches the daemon, which keeps what was signed
alive in the DHT. Whoever follows the magnet that is printed moves to the new
version within half an hour. Nobody else may read the file of the key.

examples:
  torrentctl publish c9e1 --key ~/dumps.pem --new-key
  torrentctl publish c9e15763f722f23e98a29decdfae341b98d53056 --key ~/dumps.pem
""",
}
