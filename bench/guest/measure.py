#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Measure an arm64 kernel Image as a microVM guest, under QEMU.

Boot work is counted in guest instructions (-icount shift=0: one instruction
per nanosecond of guest time), memory is read from a file that is the guest's
RAM. Prints Markdown, and JSON with --json FILE.

usage: measure.py [--json FILE] [--quick] IMAGE [--name NAME]
"""
import argparse
import gzip
import json
import lzma
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = "qemu-system-aarch64"
CMDLINE = "console=ttyAMA0 reboot=t panic=-1"
PAGE = 4096


def cpio(entries):
    """newc archive of (name, mode, data)."""
    out = b""
    for ino, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")]):
        fields = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % f for f in fields)
        out += name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


class Bench:
    def __init__(self, image, work):
        self.image, self.work = image, work
        init = os.path.join(work, "init")
        subprocess.run(
            ["aarch64-linux-gnu-gcc", "-Os", "-nostdlib", "-static", "-ffreestanding",
             "-fno-stack-protector", "-fno-tree-loop-distribute-patterns", "-s", "-o",
             init, os.path.join(HERE, "init.c")], check=True)
        self.initrd = os.path.join(work, "initrd")
        with open(self.initrd, "wb") as f:
            f.write(gzip.compress(cpio([
                ("proc", 0o040755, b""),
                ("init", 0o100755, open(init, "rb").read())]), mtime=0))

    def machine(self, cpu, smp, mem, ram=None):
        """Arguments with QEMU's own device tree, packed (it is padded to 1 MiB)."""
        base = ["-M", "virt,gic-version=3" + (",memory-backend=ram" if ram else ""),
                "-cpu", cpu, "-smp", str(smp), "-m", str(mem), "-nodefaults",
                "-display", "none", "-nic", "none"]
        if ram:
            base += ["-object", f"memory-backend-file,id=ram,size={mem}M,share=on,mem-path={ram}"]
        raw = os.path.join(self.work, "raw.dtb")
        args = list(base)
        args[1] += ",dumpdtb=" + raw
        subprocess.run([QEMU] + args, check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        dts = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", raw], check=True,
                             capture_output=True, text=True).stdout
        # No seeds: without them two boots are comparable, and so are two kernels.
        dts = re.sub(r"\n[^\n]*(rng-seed|kaslr-seed) = [^;]*;", "", dts)
        packed = os.path.join(self.work, f"packed-{smp}-{mem}.dtb")
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", packed], input=dts,
                       text=True, check=True)
        return base + ["-dtb", packed, "-kernel", self.image, "-initrd", self.initrd]

    def boot(self, cpu="cortex-a72", smp=1, mem=128, extra="quiet", timeout=240):
        """Boot to the end of init; returns (instructions, console text)."""
        run = subprocess.run(
            ["timeout", str(timeout), QEMU] + self.machine(cpu, smp, mem) +
            ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-serial",
             "stdio", "-append", f"{CMDLINE} {extra}"],
            stdin=subprocess.DEVNULL, capture_output=True)
        text = run.stdout.decode(errors="replace").replace("\r", "")
        m = re.search(r"^counter (\d+)$", text, re.M)
        # The counter runs at 62.5 MHz.
        return (int(m.group(1)) * 16 if m else None), text

    def idle(self, cpu, mem=256, mode="idle", wait=3, again=0):
        """RAM of an idle guest, and once more `again` seconds later."""
        ram = os.path.join(self.work, "ram")
        qmp = os.path.join(self.work, "qmp")
        for path in (ram, qmp):
            if os.path.exists(path):
                os.unlink(path)
        p = subprocess.Popen(
            ["timeout", "300", QEMU] + self.machine(cpu, 1, mem, ram) +
            ["-accel", "tcg", "-serial", "stdio", "-qmp", f"unix:{qmp},server=on,wait=off",
             "-append", f"{CMDLINE} quiet bench={mode}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            for line in p.stdout:
                if line.strip() == b"idle":
                    break
            time.sleep(wait)
            s = socket.socket(socket.AF_UNIX)
            s.connect(qmp)
            f = s.makefile("rw")

            def ask(command):
                f.write(json.dumps({"execute": command}) + "\n")
                f.flush()
                while "return" not in json.loads(f.readline()):
                    pass
            f.readline()
            ask("qmp_capabilities")
            ask("stop")
            first = open(ram, "rb").read()
            if not again:
                return first, None
            ask("cont")
            time.sleep(again)
            ask("stop")
            return first, open(ram, "rb").read()
        finally:
            p.terminate()
            p.wait()
            if os.path.exists(ram):
                os.unlink(ram)


def shared(image, ram, size):
    """Part of the Image's blocks of `size` that RAM still holds unchanged."""
    best = 0
    for base in (0x200000, 0x280000, 0x80000, 0):
        n = sum(image[i:i + size] == ram[base + i:base + i + size]
                for i in range(0, len(image), size))
        if n > best:
            best, where = n, base
    return best / (len(image) // size), where


def memory(image, ram):
    zero = bytes(PAGE)
    part, base = shared(image, ram, PAGE)
    private = poison = 0
    for i in range(0, len(ram), PAGE):
        page = ram[i:i + PAGE]
        if page == zero:
            continue
        if page == image[i - base:i - base + PAGE] and i >= base:
            continue
        private += 1
        poison += page == b"\xcc" * PAGE
    big = bytes(65536)
    chunks = sum(ram[i:i + 65536] != big for i in range(0, len(ram), 65536))
    mib = 1 << 20
    return part, private * PAGE / mib, poison * PAGE / mib, chunks * 65536 / mib


def field(text, name):
    m = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
    return int(m.group(1)) if m else None


def measure(image_path, quick):
    rows = {}
    image = open(image_path, "rb").read()
    rows["Image, bytes"] = len(image)
    rows["Image, xz -9e, bytes"] = len(lzma.compress(
        image, check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME))
    with tempfile.TemporaryDirectory() as work:
        b = Bench(image_path, work)
        count, text = b.boot()
        rows["instructions to /init, M"] = count and round(count / 1e6, 2)
        rows["console bytes, quiet"] = text.find("\ncounter ")
        rows["MemFree of 128 MiB, kB"] = field(text, "MemFree")
        _, text = b.boot(extra="loglevel=7")
        rows["console bytes, loglevel 7"] = text.find("\ncounter ")
        rows["lines with the word panic, loglevel 7"] = sum(
            "panic" in line for line in text.splitlines())
        _, text = b.boot(mem=256)
        rows["MemTotal of 256 MiB, kB"] = field(text, "MemTotal")
        if not quick:
            if count:
                for name, args in (("4 vCPUs", {"smp": 4}), ("4 GiB", {"mem": 4096})):
                    more, _ = b.boot(**args)
                    rows[f"added by {name}, M instructions"] = more and round(
                        (more - count) / 1e6, 2)
            low, high = 8, 64
            while high - low > 1:
                mid = (low + high) // 2
                ok, _ = b.boot(mem=mid, timeout=60)
                low, high = (low, mid) if ok else (mid, high)
            rows["smallest guest, MiB"] = high
            for cpu in ("cortex-a72", "cortex-a76"):
                ram, later = b.idle(cpu, wait=30, again=10)
                part, private, poison, chunks = memory(image, ram)
                rows[f"{cpu}: Image pages shared, 4 KiB / 16 KiB, %"] = "%.1f / %.1f" % (
                    100 * part, 100 * shared(image, ram, 4 * PAGE)[0])
                rows[f"{cpu}: private, MiB"] = round(private, 2)
                rows[f"{cpu}: pages of 0xcc, MiB"] = round(poison, 2)
                rows[f"{cpu}: non-zero 64 KiB chunks, MiB"] = round(chunks, 2)
                rows[f"{cpu}: pages changed in 10 s"] = sum(
                    ram[i:i + PAGE] != later[i:i + PAGE] for i in range(0, len(ram), PAGE))
            for mode, name in (("junk", "after junk"), ("park", "after junk, parked")):
                ram, _ = b.idle("cortex-a76", mode=mode)
                rows[f"cortex-a76: non-zero chunks {name}, MiB"] = round(
                    memory(image, ram)[3], 2)
    return rows


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("image")
    ap.add_argument("--name", default="Image")
    ap.add_argument("--json")
    ap.add_argument("--quick", action="store_true", help="boot and sizes only")
    args = ap.parse_args()
    rows = measure(os.path.abspath(args.image), args.quick)
    print(f"| guest kernel | {args.name} |\n|---|---|")
    for key, value in rows.items():
        print(f"| {key} | {value if value is not None else '-'} |")
    if args.json:
        with open(args.json, "w") as f:
            json.dump({args.name: rows}, f, indent=1)
            f.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
