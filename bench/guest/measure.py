#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Measure arm64 kernel Images as microVM guests, under QEMU.

Work is counted in guest instructions, memory is read from the file that is the
guest's RAM: the figures do not depend on how busy this machine is. Prints
Markdown; of two Images also the ratios.
"""
import argparse
import concurrent.futures
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree may be read-only
from machine import LOAD, MIB, Machine, Stopper, VsockHost, make_initrd, qemu_version

PAGE = 4096
SEED = 0x1234567
A72, A76 = "cortex-a72", "cortex-a76"
# name | what | unit | goal | margin of the accepted figure | how it is measured
ROWS = """
# The kernel
boot | instructions from reset to /init | M | <= 20 | 0.3% | CNTVCT at its first instruction, A72, 128 MiB, QEMU's device tree packed, its seeds fixed
boot-asleep | … of them asleep | M | <= 0 | 0.2 | the same at two ns an instruction; what does not double is sleep
boot-vmm | … with the device tree of a VMM | M | <= 14 | 0.3% | QEMU's tree without what specs of the runtime leave out
boot-unseeded | … of a VMM that gives no seeds | M | | 0.3% | the same without kaslr-seed and rng-seed, loaded at RAM start + 0x80000
boot-4-vcpus | … added by 4 vCPUs | M | <= 3 | 0.1 | -smp 4, difference
boot-4-gib | … added by 4 GiB | M | <= 55 | 0.5% | -m 4096, difference
image | Image | bytes | <= 12058624 | 0.5% | size of the file
image-xz | Image, xz -9e | bytes | <= 4089446 | 0.5% | liblzma, CRC32
memfree | MemFree of 128 MiB | kB | >= 112000 | 0.2% | /proc/meminfo
memtotal | MemTotal of 256 MiB | kB | >= 246500 | 0.1% | /proc/meminfo
smallest | smallest guest that reaches /init | MiB | <= 20 | 0 | bisection
same-4k-a72 | 4 KiB pages of the Image still in RAM, A72 | % | >= 80 | 0.5 | idle 128 MiB guest, the worse of two KASLR seeds
same-16k-a72 | 16 KiB pages, A72 | % | >= 75 | 0.5 | the same
same-4k-a76 | 4 KiB pages, A76 | % | >= 80 | 0.5 | the same
same-16k-a76 | 16 KiB pages, A76 | % | >= 75 | 0.5 | the same
raw-load | boots at RAM start + 0x80000 | 1 = yes | >= 1 | 0 | loaded there without -kernel, A76
console-7 | console bytes, loglevel 7 | bytes | <= 6000 | 200 | before /init's first line
console-quiet | console bytes, quiet | bytes | <= 200 | 0 | the same
init-oci | init-oci beside the Image | bytes | <= 65536 | 1% | size of the file; its other rows: tests/guest/init-cost.sh
# Snapshot fitness
private | private memory | MiB | <= 9.5 | 0.1 | A76, 256 MiB, no seeds, 30 s after boot: non-zero pages that are not the Image's
poison | … of it pages of 0xcc | MiB | <= 0 | 0 | the same RAM
chunks | S1 non-zero 64 KiB chunks | MiB | <= 19 | 0.2 | the same RAM
chunks-junk | … after junk | MiB | <= 20 | 0.3 | 64 MiB anonymous, 32 MiB page cache, 50 children; default command line
chunks-park | … after junk, parked | MiB | <= 20 | 0.3 | the same, then /dev/smpark
price-loop | price: fork+exec+exit | % | <= 3 | 1 | instructions of the loop ÷ the same with clear_freed_pages=0 init_on_free=0
price-boot | price: boot | M | <= 1 | 0.1 | instructions, difference to the same words, 256 MiB
zstd | RAM without zero pages, zstd -3 | MiB | <= 5.5 | 0.1 | zstd
changed-a72 | S1 pages changed in 10 s, 30 s after boot, A72 | pages | <= 0 | 0 | RAM of one machine, twice
changed-a76 | S1 … A76 | pages | <= 0 | 0 | the same
changed-early-a72 | pages changed in 10 s, 3 s after boot, A72 | pages | | 15 | the same; stretch 0
changed-early-a76 | … A76 | pages | | 15 | the same; stretch 0
interrupts | S1 timer interrupts in 10 s | | <= 10 | 0 | /proc/interrupts 30 and 40 s after boot; 6 are the measuring's own
switches | S1 context switches in 10 s | | <= 10 | 0 | /proc/stat; 5 are the measuring's own
equal-image | S2 Image pages equal in two boots | % | >= 98.5 | 0.5 | the second at half the speed: as real machines differ; A76, no seeds
equal-all | S2 non-zero pages equal in two boots | % | >= 85 | 1 | the same RAM; 91 without hardened freelists
equal-chunks | S2 non-zero 64 KiB chunks equal in two boots | % | | 5 | the same RAM
# TSI
tsi-up | upload, TSI ÷ plain AF_VSOCK | throughput | >= 0.95 | 0.15 | guest instructions of 1 MiB, median of 51 pairs, host of libkrun 1.19.7 in tests/vsock-host
tsi-down | download | throughput | >= 0.95 | 0.15 | the same
tsi-connect | connect + close, TSI ÷ plain AF_VSOCK + its control messages | | <= 1.3 | 0.08 | guest instructions, median of 51 pairs
tsi-round-trip | 1-byte round trip, TSI ÷ plain AF_VSOCK | | <= 1.1 | 0.05 | guest instructions, median of 75 pairs
tsi-slab-closed | slab kept per closed socket | bytes | <= 0 | 0 | of 300, 20 s later, the least of four rounds; less than 128 is whole pages
tsi-slab-open | slab per idle connection | bytes | | 5% | of 300
tsi-loopback | TCP round trip on loopback, TSI unused ÷ compiled out | | <= 1.01 | 0.005 | instructions of tcp-round-trip, --without-tsi IMAGE
tsi-image | Image bytes that TSI adds | bytes | <= 131072 | 4096 | --without-tsi IMAGE
tsi-boot | boot instructions that TSI adds | M | <= 0.2 | 0.05 | --without-tsi IMAGE
# Guest instructions of one operation
getppid | getppid | | | 1% | best of 30 loops of bench/guest/init.c, A72, norandmaps
open-close | open + close | | | 1% | the same
write-4k | pwrite of 4 KiB, tmpfs | | | 1% | the same
read-4k | pread of 4 KiB, tmpfs | | | 1% | the same
map-touch-unmap-64k | map, touch and unmap 64 KiB | | | 1% | the same
fork-exit | fork + exit + wait | | | 2% | the same
fork-exec-exit | fork + exec + exit + wait | | | 2% | the same
pipe-round-trip | round trip over pipes, 1 byte | | | 2% | the same
unix-round-trip | … AF_UNIX | | | 2% | the same
tcp-round-trip | … TCP on loopback | | | 2% | the same
"""


class Row:
    def __init__(self, line):
        self.name, self.what, self.unit, self.goal, self.margin, self.how = (
            field.strip() for field in line.split("|"))
        self.more_is_worse = not self.goal.startswith(">=")

    def met(self, figure):
        if not self.goal:
            return ""
        limit = float(self.goal[2:])
        return "yes" if (figure <= limit if self.more_is_worse else figure >= limit) else "NO"

    def worst(self, figure, margin):
        """The worst figure that is as good as `figure`."""
        slack = abs(figure) * float(margin[:-1]) / 100 if margin.endswith("%") else float(margin)
        return figure + slack if self.more_is_worse else figure - slack


def rows():
    return {row.name: row for row in map(Row, filter(lambda line: "|" in line, ROWS.splitlines()))}


def pages(ram, size=PAGE):
    return [ram[i:i + size] for i in range(0, len(ram), size)]


def percent(part, whole):
    return round(100 * part / whole, 2)


def number(text, pattern):
    m = re.search(pattern, text, re.M)
    return int(m[1]) if m else None


class Measurement:
    def __init__(self, path, work, vsock_host=None):
        self.path, self.work, self.vsock_host = os.path.abspath(path), work, vsock_host
        with open(path, "rb") as f:
            self.image = f.read()
        self.initrd = make_initrd(work, "init.c", "-nostdlib", "-ffreestanding", "-fno-stack-protector",
                                  "-fno-tree-loop-distribute-patterns")

    def boot(self, mode="", **options):
        """Instructions to /init, in M, and the console."""
        with tempfile.TemporaryDirectory(dir=self.work) as work:
            options.setdefault("extra", "quiet")
            options["extra"] += mode and f" bench={mode}"
            text = Machine(work, self.path, self.initrd, **options).run()
        count = number(text, r"^counter (\d+)$")
        # The counter runs at 62.5 MHz.
        return (count * 16 / 1e6 if count else None), text

    def stopper(self, work, mode, **options):
        options = {"cpu": A76, "mem": 256, **options}
        options["extra"] = f"quiet bench={mode} " + options.get("extra", "")
        return Stopper(work, self.path, self.initrd, **options)

    def ram(self, *times, mode="idle", **options):
        """RAM at these times after boot."""
        with tempfile.TemporaryDirectory(dir=self.work) as work, self.stopper(work, mode, **options) as guest:
            return [guest.run_to(self.seconds + t) for t in times]

    # Each of these gives some figures.

    def files(self):
        out = {"image": len(self.image),
               "image-xz": len(lzma.compress(self.image, check=lzma.CHECK_CRC32,
                                             preset=9 | lzma.PRESET_EXTREME))}
        init = os.path.join(os.path.dirname(self.path), "init-oci")
        if os.path.exists(init):
            out["init-oci"] = os.path.getsize(init)
        return out

    def first_boot(self):
        count, text = self.boot(seed=SEED)
        if not count:
            raise SystemExit(f"{self.path} does not reach /init:\n{text[-2000:]}")
        self.count, self.seconds = count, count / 1e3
        return {"boot": count, "console-quiet": text.find("\ncounter "),
                "memfree": number(text, r"^MemFree:\s+(\d+) kB")}

    def asleep(self):
        twice, _ = self.boot(seed=SEED, shift=1)
        return {"boot-asleep": round(max(0, 2 * self.count - twice), 1)}

    def other_boots(self):
        out = {"boot-vmm": self.boot(vmm=True, seed=SEED)[0], "boot-unseeded": self.boot(vmm=True, raw=True)[0]}
        for name, options in (("4-vcpus", {"smp": 4}), ("4-gib", {"mem": 4096})):
            count, _ = self.boot(seed=SEED, **options)
            out["boot-" + name] = count and count - self.count
        out["memtotal"] = number(self.boot(mem=256)[1], r"^MemTotal:\s+(\d+) kB")
        out["console-7"] = self.boot(extra="loglevel=7")[1].find("\ncounter ")
        return out

    def boots_in(self, mem):
        """An early hang ends at a guest time that no boot takes."""
        with tempfile.TemporaryDirectory(dir=self.work) as work:
            with self.stopper(work, "", cpu=A72, mem=mem, raw=False) as guest:
                try:
                    guest.run_to(2 * self.seconds + 0.03)
                except (RuntimeError, ConnectionError):
                    pass
                return "counter " in guest.text()

    def smallest(self):
        low, high = 8, 72
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.boots_in(middle) else (middle, high)
        return {"smallest": high}

    def blocks_kept(self, ram, size):
        blocks = pages(self.image, size)
        kept = sum(block == ram[LOAD + i * size:LOAD + i * size + len(block)] for i, block in enumerate(blocks))
        return percent(kept, len(blocks))

    def same(self, cpu):
        rams = [self.ram(3, cpu=cpu, mem=128, seed=seed)[0] for seed in (SEED, 2 * SEED)]
        return {f"same-{size}k-{cpu[-3:]}": min(self.blocks_kept(ram, size * 1024) for ram in rams)
                for size in (4, 16)}

    def idle(self, cpu):
        out = {}
        early, later, ram, end = map(pages, self.ram(3, 13, 30, 40, cpu=cpu))
        out["changed-early-" + cpu[-3:]] = sum(a != b for a, b in zip(early, later))
        out["changed-" + cpu[-3:]] = sum(a != b for a, b in zip(ram, end))
        if cpu == A76:
            out["raw-load"] = 1  # or there would be no RAM to look at
            out.update(self.memory(ram))
        return out

    def memory(self, ram):
        zero = bytes(PAGE)
        ours = {LOAD // PAGE + i: page for i, page in enumerate(pages(self.image))}
        private = [page for i, page in enumerate(ram) if page not in (zero, ours.get(i))]
        kept = b"".join(page for page in ram if page != zero)
        small = subprocess.run(["zstd", "-3", "-c"], input=kept, capture_output=True, check=True).stdout
        return {"private": len(private) * PAGE / MIB,
                "poison": private.count(b"\xcc" * PAGE) * PAGE / MIB,
                "chunks": self.chunks(b"".join(ram)),
                "zstd": len(small) / MIB}

    @staticmethod
    def chunks(ram):
        zero = bytes(65536)
        return sum(chunk != zero for chunk in pages(ram, 65536)) * 65536 / MIB

    def junk(self, mode):
        return {"chunks-" + mode: self.chunks(self.ram(10, mode=mode)[0])}

    def wakes(self):
        _, text = self.boot("wakes", cpu=A76, mem=256)
        return {name: number(text, rf"^{name} (\d+)$") for name in ("interrupts", "switches")}

    def loops(self, extra="quiet"):
        """Without address randomisation, which makes a page table more or less."""
        _, text = self.boot("loops", extra=extra + " norandmaps")
        return {m[1]: int(m[2]) for m in re.finditer(r"^loop (\S+) (\d+)$", text, re.M)}

    def price(self, loops):
        off = "quiet clear_freed_pages=0 init_on_free=0"
        name = "fork-exec-exit"
        return {"price-loop": percent(loops.result()[name], self.loops(off)[name]) - 100,
                "price-boot": self.boot(mem=256)[0] - self.boot(mem=256, extra=off)[0]}

    def twice(self):
        first, second = (self.ram(10, shift=shift)[0] for shift in (0, 1))
        end = LOAD + len(self.image)

        def equal(size, first, second, skip=None):
            same = [a == b for a, b in zip(pages(first, size), pages(second, size)) if (a, b) != (skip, skip)]
            return percent(sum(same), len(same))

        return {"equal-image": equal(PAGE, first[LOAD:end], second[LOAD:end]),
                "equal-all": equal(PAGE, first, second, bytes(PAGE)),
                "equal-chunks": equal(65536, first, second, bytes(65536))}

    def traffic(self):
        if not self.vsock_host:
            return {}
        initrd = make_initrd(self.work, "traffic.c", "-O2")
        with tempfile.TemporaryDirectory(dir=self.work) as work, \
                VsockHost(work, self.vsock_host, "libkrun-1.19.7") as host:
            # maxcpus: QEMU leaves out the barriers of a machine that can have one CPU only.
            text = Machine(work, self.path, initrd, smp="1,maxcpus=2", mem=256, vsock=host.socket,
                           extra="quiet tsi_hijack vmw_vsock_virtio_transport.dgram=1 tsi.in_order=1").run()
        pair = {m[1]: (int(m[2]), int(m[3])) for m in re.finditer(r"^(\S+) (\d+) (-?\d+)$", text, re.M)}
        if "slab" not in pair:
            raise RuntimeError(text[-500:])
        out = {f"tsi-{name}": pair[name][1] / pair[name][0] for name in ("up", "down")}
        out.update({f"tsi-{name}": pair[name][0] / pair[name][1] for name in ("connect", "round-trip")})
        out["tsi-slab-open"], closed = pair["slab"]
        out["tsi-slab-closed"] = closed if closed >= 128 else 0
        return out

    def all(self):
        figures = self.first_boot()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            loops = pool.submit(self.loops)
            jobs = [loops, pool.submit(self.price, loops)]
            jobs += map(pool.submit, (self.traffic, self.files, self.asleep, self.other_boots, self.smallest, self.wakes,
                                      self.twice))
            jobs += [pool.submit(self.junk, mode) for mode in ("junk", "park")]
            jobs += [pool.submit(f, cpu) for f in (self.same, self.idle) for cpu in (A72, A76)]
            for job in jobs:
                try:
                    figures.update(job.result())
                except (ArithmeticError, KeyError, OSError, RuntimeError, TypeError) as error:
                    print(f"{self.path}: {error!r}", file=sys.stderr)
        return {name: figures[name] for name in rows() if figures.get(name) is not None}


def tsi_price(ours, without):
    """What TSI adds to a kernel that is the same in all else."""
    return {"tsi-loopback": ours["tcp-round-trip"] / without["tcp-round-trip"],
            "tsi-image": ours["image"] - without["image"], "tsi-boot": ours["boot"] - without["boot"]}


def show(value):
    return "–" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def markdown(results):
    names = list(results)
    compared = len(names) == 2
    head = ["what", *names, *(["ratio"] if compared else []), "goal", "met", "method"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for name, row in rows().items():
        figures = [results[n].get(name) for n in names]
        cells = [row.what + (f", {row.unit}" if row.unit else ""), *map(show, figures)]
        if compared:
            cells.append(f"{figures[1] / figures[0]:.4f}" if figures[0] and figures[1] is not None else "–")
        met = row.met(figures[-1]) if figures[-1] is not None else ""
        print("| " + " | ".join([*cells, row.goal, met, row.how]) + " |")


def accept(path, figures):
    with open(path, "w") as f:
        f.write("# SPDX-License-Identifier: GPL-2.0-only\n"
                "# Figures of the payload, written by `make accept-figures`. tests/guest/figures.sh fails when one\n"
                "# gets worse by more than its margin; what they are: bench/guest/measure.py.\n"
                f"qemu {qemu_version()}\n")
        for name, row in rows().items():
            if name in figures:
                f.write(f"{name} {show(figures[name])} {row.margin} {row.unit}".rstrip() + "\n")


def check(path, figures):
    """TAP: one result for each accepted figure."""
    with open(path) as f:
        accepted = [line.split() for line in f if not line.startswith(("#", "qemu "))]
    known = rows()
    bad = 0
    for count, (name, figure, margin, *_) in enumerate(accepted, 1):
        worst = known[name].worst(float(figure), margin)
        new = figures.get(name)
        good = new is not None and (new <= worst + 1e-9 if known[name].more_is_worse else new >= worst - 1e-9)
        bad += not good
        print(f"{'ok' if good else 'not ok'} {count} - {known[name].what}: {show(new)}, "
              f"accepted {figure} ± {margin} {known[name].unit}")
    print(f"1..{len(accepted)}")
    return bad


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("image", nargs="+")
    ap.add_argument("--json", metavar="FILE", help="write the figures there too")
    ap.add_argument("--vsock-host", metavar="PROGRAM", help="tests/vsock-host, for the figures of TSI")
    ap.add_argument("--without-tsi", metavar="IMAGE", help="the first Image, but TSI compiled out")
    action = ap.add_mutually_exclusive_group()
    action.add_argument("--accept", metavar="FILE", help="make the figures the accepted ones")
    action.add_argument("--check", metavar="FILE", help="compare with the accepted figures, as TAP")
    args = ap.parse_args()
    def figures_of(path):
        with tempfile.TemporaryDirectory() as work:
            return Measurement(path, work, args.vsock_host).all()

    results = {path: figures_of(path) for path in args.image}
    figures = results[args.image[0]]
    if args.without_tsi:
        figures.update(tsi_price(figures, figures_of(args.without_tsi)))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=1)
            f.write("\n")
    if args.check:
        return 1 if check(args.check, figures) else 0
    markdown(results)
    if args.accept:
        accept(args.accept, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
