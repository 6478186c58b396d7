# SPDX-License-Identifier: GPL-2.0-only
"""QEMU as a machine whose clock is the guest's instructions.

With -icount shift=0,sleep=off a nanosecond of guest time is one instruction, and
an idle guest jumps to its next timer. Two i6300esb watchdogs that the guest does
not see stop the machine at an exact guest time: the first asks for the stop, and
while QEMU carries it out, the jump goes to the second, a millisecond later.
"""
import gzip
import json
import os
import re
import socket
import struct
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = "qemu-system-aarch64"
CMDLINE = "console=ttyAMA0 reboot=t panic=-1"
MIB = 1 << 20
RAM = 0x40000000
LOAD = 0x80000
TICK = (1 << 15) * 30  # ns, of the watchdogs
# What no microVM has: specs of the runtime list the nodes that stay.
NOT_VMM = ("pcie", "pl031", "pl061", "gpio-keys", "flash", "fw-cfg", "pmu", "platform-bus")


def qemu_version():
    text = subprocess.run([QEMU, "--version"], capture_output=True, text=True).stdout
    return re.search(r"version (\d+\.\d+)", text)[1]


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


def make_initrd(work, source, *flags):
    """An initramfs with one static program, /init."""
    program = os.path.join(work, source + ".elf")
    subprocess.run(["aarch64-linux-gnu-gcc", "-Os", "-static", "-s", "-o", program,
                    os.path.join(HERE, source), *flags], check=True)
    with open(program, "rb") as f:
        init = f.read()
    path = os.path.join(work, source + ".initrd")
    with open(path, "wb") as f:
        f.write(gzip.compress(cpio([
            ("proc", 0o040755, b""), ("dev", 0o040755, b""), ("init", 0o100755, init)]), mtime=0))
    return path


def drop_nodes(dts, names):
    """The source of a tree without the top nodes NAME or NAME@…"""
    out, skipping = [], False
    for line in dts.splitlines():
        if re.match(r"\t(%s)(@\w+)? \{" % "|".join(names), line):
            skipping = True
        if not skipping:
            out.append(line)
        if line == "\t};":
            skipping = False
    return "\n".join(out)


class Machine:
    """A machine for one Image; `raw` loads it at RAM start + 0x80000, as a VMM does, not as QEMU does."""

    def __init__(self, work, image, initrd, cpu="cortex-a72", smp=1, mem=128, extra="quiet",
                 vmm=False, seed=None, raw=False, shift=0, ram=None, vsock=None, drop=()):
        self.work, self.image, self.initrd, self.mem = work, image, initrd, mem
        self.cmdline = f"{CMDLINE} {extra}"
        machine = "virt,gic-version=3" + (",memory-backend=ram" if ram or vsock else "")
        base = ["-cpu", cpu, "-smp", str(smp), "-m", str(mem), "-nodefaults", "-no-user-config",
                "-display", "none", "-nic", "none", "-rtc", "base=2026-01-01,clock=vm",
                "-global", "virtio-mmio.force-legacy=false"]
        if ram:
            base += ["-object", f"memory-backend-file,id=ram,size={mem}M,share=on,mem-path={ram}"]
        if vsock:
            base += ["-object", f"memory-backend-memfd,id=ram,size={mem}M,share=on",
                     "-chardev", f"socket,id=vsock,path={vsock}", "-device", "vhost-user-vsock-device,chardev=vsock"]
        dtb = self.tree(machine, base, smp if vmm else 0, seed, raw, drop)
        self.args = [QEMU, "-M", machine, *base, "-dtb", dtb, "-no-reboot"]
        self.args += ["-accel", "tcg,thread=single", "-icount", f"shift={shift},sleep=off"]
        if raw:
            self.args += self.loader(dtb)
        else:
            self.args += ["-kernel", image, "-initrd", initrd, "-append", self.cmdline]

    def tree(self, machine, base, vmm_cpus, seed, raw, drop):
        """QEMU's own device tree, packed: it is padded to 1 MiB. Its seeds are random: none, or fixed ones."""
        dump = os.path.join(self.work, "dump.dtb")
        subprocess.run([QEMU, "-M", f"{machine},dumpdtb={dump}", *base], check=True,
                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        dts = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", dump], check=True,
                             capture_output=True, text=True).stdout
        dts = re.sub(r"\n[^\n]*(rng-seed|kaslr-seed) = [^;]*;", "", dts)
        chosen = ""
        if seed:
            words = " ".join(str(seed + i) for i in range(8))
            chosen += f"kaslr-seed = <{seed} {seed}>; rng-seed = <{words}>;"
        if vmm_cpus:
            # Five devices: vsock, two disks, rng, balloon.
            spare = [f"virtio_mmio@{0xa000000 + n * 0x200:x}" for n in range(5, 32)]
            drop = [*NOT_VMM, *spare]
            # No ITS, and room for as many redistributors as there are CPUs.
            dts = re.sub(r"\n\t\tits@.*?\n\t\t};", "", dts, flags=re.S)
            dts = dts.replace("0x80a0000 0x00 0xf60000", f"0x80a0000 0x00 {vmm_cpus * 0x20000:#x}")
        if drop:
            dts = drop_nodes(dts, drop)
        if raw:
            start, end = self.initrd_range()
            chosen += (f'bootargs = "{self.cmdline}"; linux,initrd-start = <0 {start}>; '
                       f'linux,initrd-end = <0 {end}>;')
        dts = dts.replace("chosen {", "chosen {\n\t\t" + chosen)
        packed = os.path.join(self.work, "packed.dtb")
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", packed], input=dts,
                       text=True, check=True)
        return packed

    def fdt_address(self):
        return RAM + self.mem * MIB - 2 * MIB

    def initrd_range(self):
        size = os.path.getsize(self.initrd)
        start = (self.fdt_address() - size) & ~4095
        return start, start + size

    def loader(self, dtb):
        """No -kernel, which would move the Image: a stub sets x0 to x3 and jumps to it."""
        # ldr x0, =fdt; mov x1-x3, #0; ldr x4, =entry; br x4
        code = struct.pack("<6I", 0x580000c0, 0xd2800001, 0xd2800002, 0xd2800003, 0x58000084, 0xd61f0080)
        stub = os.path.join(self.work, "stub")
        with open(stub, "wb") as f:
            f.write(code + struct.pack("<QQ", self.fdt_address(), RAM + LOAD))
        out = ["-device", f"loader,file={stub},addr={RAM + 0x60000},cpu-num=0,force-raw=on"]
        for path, address in ((self.image, RAM + LOAD), (dtb, self.fdt_address()),
                              (self.initrd, self.initrd_range()[0])):
            out += ["-device", f"loader,file={path},addr={address},force-raw=on"]
        return out

    def run(self, timeout=900):
        """Runs to the guest's end; returns its console."""
        run = subprocess.run(["timeout", str(timeout), *self.args, "-serial", "stdio"],
                             stdin=subprocess.DEVNULL, capture_output=True)
        return run.stdout.decode(errors="replace").replace("\r", "")


class Stopper:
    """A machine that stops at given times, its RAM in a file."""

    def __init__(self, work, image, initrd, raw=True, **options):
        self.ram_file = os.path.join(work, "ram")
        self.console = os.path.join(work, "console")
        self.paths = [os.path.join(work, name) for name in ("qmp", "qtest")]
        for path in (self.ram_file, self.console, *self.paths):
            if os.path.exists(path):
                os.unlink(path)
        machine = Machine(work, image, initrd, ram=self.ram_file, raw=raw, drop=["pcie"], **options)
        self.process = subprocess.Popen(
            ["timeout", "900", *machine.args, "-S", "-serial", f"file:{self.console}",
             "-qmp", f"unix:{self.paths[0]},server=on,wait=off",
             "-qtest", f"unix:{self.paths[1]},server=on,wait=off", "-qtest-log", "none",
             "-device", "i6300esb,addr=1", "-device", "i6300esb,addr=2", "-action", "watchdog=pause"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.ticks = 0

    def __enter__(self):
        try:
            self.qmp, self.qtest = (self.connect(path) for path in self.paths)
            self.qmp.readline()
            self.ask("qmp_capabilities")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
        if os.path.exists(self.ram_file):
            os.unlink(self.ram_file)

    def connect(self, path):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(900)
        for _ in range(200):
            try:
                s.connect(path)
                return s.makefile("rw")
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("QEMU does not start: " + self.process.stderr.read().decode())

    def ask(self, command):
        self.qmp.write(json.dumps({"execute": command}) + "\n")
        self.qmp.flush()
        self.wait_for(lambda reply: "return" in reply)

    def wait_for(self, wanted):
        while True:
            line = self.qmp.readline()
            if not line:
                raise RuntimeError("the guest ended early")
            if wanted(json.loads(line)):
                return

    def poke(self, width, address, value):
        self.qtest.write(f"write{width} {address:#x} {value:#x}\n")
        self.qtest.flush()
        if not self.qtest.readline().startswith("OK"):
            raise RuntimeError("qtest")

    def arm(self, slot, ticks):
        """The watchdog expires after so many ticks."""
        config, bar = 0x4010000000 + (slot << 15), 0x10000000 + slot * 4096
        self.poke("l", config + 0x10, bar)
        self.poke("w", config + 4, 2)
        self.poke("b", config + 0x68, 0)
        self.poke("w", config + 0x60, 3)  # no interrupt, 1 kHz, and the action at the end
        for register, value in ((0, ticks), (4, 0)):
            self.poke("w", bar + 0xc, 0x80)
            self.poke("w", bar + 0xc, 0x86)
            self.poke("l", bar + register, value)
        self.poke("b", config + 0x68, 2)

    def run_to(self, seconds):
        """Stops at this time after reset; returns the RAM."""
        ticks = round(seconds * 1e9 / TICK)
        self.arm(1, ticks - self.ticks)
        self.arm(2, ticks - self.ticks + 1)
        self.ticks = ticks
        self.ask("cont")
        self.wait_for(lambda reply: reply.get("event") == "STOP")
        with open(self.ram_file, "rb") as f:
            return f.read()

    def text(self):
        with open(self.console, errors="replace") as f:
            return f.read().replace("\r", "")


class VsockHost:
    """tests/vsock-host, the host side of a guest's vsock."""

    def __init__(self, work, program, family):
        self.socket = os.path.join(work, "vsock")
        self.process = subprocess.Popen(
            ["timeout", "900", program, "--socket", self.socket, "--family", family],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def __enter__(self):
        if not self.process.stdout.readline():
            raise RuntimeError("vsock-host does not start")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
