#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plain AF_VSOCK against hosts of every family: nothing that the host sends is lost, whatever it thinks of credit,
# and no upload stalls. The names begin with the number in the runtime's conformance list, where there is one.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/vsock/lib.sh"

need_probe
environment "$T/environment"
wanted=$(od -An -v -tu1 "$T/environment" | awk '{ for (i = 1; i <= NF; i++) s += $i } END { print s }')
size=$(wc -c <"$T/environment")
mib=1048576

for family in supermachine-0.1 supermachine-0.7 libkrun-1.18 libkrun-1.19.7 macos; do
	start_host "$family" --env "$T/environment"
	start_probe vmw_vsock_virtio_transport.dgram=1
	check "$family: a server may speak first" answers 'greet 6 hello' greet
	check "T4 $family: an environment of 15 KiB arrives" answers "environment $size $wanted end" environment
	check "T1 $family: a download arrives whole" answers "download $((8 * mib)) intact end" download $((8 * mib))
	check "T2 $family: a slow reader gets all, or an error after what it got" \
		answers "download \($((12 * mib)) intact end\|[0-9]* intact ENOBUFS\)" download $((12 * mib)) 1
	check "T14 $family: an upload arrives whole" answers "upload $((8 * mib)) ok $((8 * mib))" upload $((8 * mib))
	check "$family: a closed connection is gone at once" answers 'twice ok' twice
	case $family in libkrun-1.19.7)
		check "$family: a host that has ended its side is still written to" answers 'half 10' half ;;
	esac
	check "$family: a datagram of 65507 bytes comes back" answers 'echo 65507 intact' echo 65507
	for n in 1 4097 9000 65507; do
		check "T15 $family: a datagram of $n bytes arrives" answers "datagram $n intact" datagram $n
	done
	check "$family: a search for leaks" answers "leaks done" leaks
	stop_probe
done

# What single hosts do differently, and more.
start_host supermachine-0.7
start_probe vmw_vsock_virtio_transport.dgram=1
host quirk early-data
check "data ahead of the response" answers 'greet 6 hello' greet
host unquirk early-data
host quirk early-credit
check "a credit request ahead of the response" answers 'greet 6 hello' greet
host unquirk early-credit
host quirk ignore-credit
check "T2 a host without regard for credit: the limit ends the stream, with an error" \
	answers 'download [0-9]* intact ENOBUFS' download $((32 * mib)) 5
host quirk zero-fwd
host quirk window=$mib
host quirk update-after=$((mib / 2))
check "T3 credit updates are not taken back by packets with data" \
	answers "upload $((16 * mib)) ok $((16 * mib))" upload $((16 * mib))
host quirk no-interrupt
check "T14 nothing interrupts for what was sent" \
	answers "upload $((16 * mib)) ok $((16 * mib))" upload $((16 * mib))
stop_probe

# Packets made by hand, which the host itself knows nothing of.
start_host libkrun-1.19.7
start_probe vmw_vsock_virtio_transport.dgram=1
send 'serve 7000 2\n'
check "a guest service listens" expect '^serving 7000'
raw 1 7000 stream request 0 0
raw 1 7000 stream rw 100 0 78
check "a stream with a cut packet is reset" expect '^connection ENOBUFS'
raw 2 7000 stream request 0 0
raw 2 7000 stream request 0 0
check "a connection that the host opens again is a new one" expect '^connection ECONNRESET'
raw 2 7000 stream rw 1 0 78
raw 3 7000 stream request 0 0
raw 3 7000 stream rw 0 0
raw 3 7000 stream rw 1 0 78
check "and serves" expect '^served 2'
raw 4 7000 datagram rw 100 0 78
raw 4 7000 datagram rst 0 0
raw 4 7000 9 rw 1 0 78
# FUZZ_PACKETS and FUZZ_SEED: as for tsi-hostile.sh.
packets=${FUZZ_PACKETS:-2000} seed=${FUZZ_SEED:-42}
host fuzz "$packets" "$seed"
check "the guest takes $packets hostile packets, seed $seed" fuzzed
check "and goes on" answers 'greet 6 hello' greet
check "a search for leaks" answers "leaks done" leaks
stop_probe

# A host that neither offers nor is said to take datagrams.
start_host supermachine-0.7
start_probe ''
check "datagrams need the feature or the parameter" answers 'echo -1 EOPNOTSUPP' echo 10
stop_probe

done_testing
