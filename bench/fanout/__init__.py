"""What fan-out costs: Alcove's relay and its peers under the same load, in one alternating run.

python -m bench.fanout              all of it, about half an hour
python -m bench.fanout --quick      about two minutes, coarser
python -m bench.fanout --only alcove c-limit
bench/fanout/setup.sh               what the peers need (Debian and npm packages)

native/generator.c   publishes and counts: a library, so that preparing and measuring share sockets
native/limit.c       the least a broadcaster can cost
wires                how a connection of each protocol is prepared, and what it publishes
alcove_wire          the same for Alcove: rooms with records, members with keys
servers              the servers as processes
load                 a prepared crowd on a server, and one measured run of it
attack               hostile clients
tls                  the same servers with TLS
experiments          what is measured
report               table, JSON, plot
"""
