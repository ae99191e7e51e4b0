# The two commands of README: `make run` and `make test`. Each makes the environment it needs.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
DIR ?= downloads

.PHONY: run test check bench bench-check bench-crowd bench-rates bench-magnet bench-dht announces bench-flood bench-idle bench-outage bench-swarm sim fuzz clean kill bench-hostile deb deb-check picture

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

run: $(VENV)/.ready  ## a private DHT, a seeder and a download on loopback; or MAGNET='…' [DIR=…]
	$(BIN)/python -m torrentd.daemon.demo $(if $(MAGNET),'$(MAGNET)' --dir '$(DIR)')

check: $(VENV)/.ready-dev  ## format, lint, types, walls
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check  ## everything the gate asks for
	$(BIN)/pytest --numprocesses=2 --dist=loadgroup $(ARGS)

bench: $(VENV)/.ready-dev  ## torrentd beside libtorrent, in one run, as ratios
	$(BIN)/python -m tests.bench.transfer

bench-crowd: $(VENV)/.ready-dev  ## eight and fifty seeders for one, one for as many leechers
	$(BIN)/python -m tests.bench.crowd $(ARGS)

bench-rates: $(VENV)/.ready-dev  ## how exact the rate limits are, on real sockets; 12 minutes
	$(BIN)/python -m tests.bench.rates $(ARGS)

bench-check: $(VENV)/.ready-dev  ## existing data checked, beside hashlib and libtorrent
	$(BIN)/python -m tests.bench.recheck $(ARGS)

bench-swarm: $(VENV)/.ready-dev  ## whole swarms in virtual time: table and pictures; 10 minutes
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plots]'
	$(BIN)/python -m tests.bench.swarm --plots tests/bench/out/swarm --svg docs/scale.svg $(ARGS)

bench-magnet: $(VENV)/.ready-dev  ## add → metadata on a simulated mainline network; 12 minutes
	$(BIN)/python -m tests.bench.mainline.virtual
	$(BIN)/python -m tests.bench.mainline $(ARGS)

bench-idle: $(VENV)/.ready-dev  ## a thousand torrents at rest, beside libtorrent; 6 minutes
	$(BIN)/python -m tests.bench.idle $(ARGS)

bench-outage: $(VENV)/.ready-dev  ## how soon it is back after the network returns; root, ten minutes
	$(BIN)/python -m tests.bench.outage $(ARGS)

bench-dht: $(VENV)/.ready-dev  ## queries answered a second, beside libtorrent
	$(BIN)/python -m tests.bench.dht_micro
	$(BIN)/python -m tests.bench.dht_load $(ARGS)

bench-flood: $(VENV)/.ready-dev  ## 100,000 datagrams of garbage a second; 6 minutes
	$(BIN)/python -m tests.bench.flood $(ARGS)

sim: $(VENV)/.ready-dev  ## searches on the simulated mainline network, with and without liars in it
	$(BIN)/python -m tests.sim.figures $(ARGS)

bench-hostile: $(VENV)/.ready-dev  ## a download among a thousand hostile peers, and slowloris
	$(BIN)/python -m tests.bench.hostile $(ARGS)

kill: $(VENV)/.ready-dev  ## 200 kill -9 in a download, 100 amid commands; some minutes
	TORRENTD_KILLS=200 $(BIN)/pytest tests/interop/test_kill.py --timeout=0

announces: $(VENV)/.ready-dev  ## a million announces to one node; five minutes
	TORRENTD_ANNOUNCES=1000000 $(BIN)/pytest -s tests/attack/test_announces.py --timeout=0

fuzz: $(VENV)/.ready-dev  ## 10^7 mutated inputs a parser; an hour
	TORRENTD_FUZZ_INPUTS=10000000 $(BIN)/pytest tests/fuzz --timeout=0

picture: $(VENV)/.ready-dev  ## README's picture, typed into a real daemon
	$(BIN)/python -m tests.bench.picture docs/session.svg

deb:  ## a Debian package in build/deb, for the Python of this Debian
	systemd/debian/build

deb-check:  ## its whole life in a clean Debian with a real systemd; root, debootstrap, lintian, four minutes
	systemd/debian/check

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
