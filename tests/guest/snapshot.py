#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Capture and resume a guest whose memory is a file that QEMU shares.

usage: snapshot.py save SOCKET STATE       captures all but memory, and ends the guest
       snapshot.py load SOCKET STATE       resumes it in a QEMU started with -incoming defer
       snapshot.py set STATE REGISTER VALUE   changes a system register of the first CPU
       snapshot.py tell SOCKET COMMAND     a command of the human monitor, prints its answer

SOCKET is QEMU's QMP socket.
"""
import json
import socket
import struct
import sys
import time

# op0, op1, CRn, CRm, op2
REGISTERS = {"CNTV_CVAL_EL0": (3, 3, 14, 3, 2), "CNTVOFF_EL2": (3, 4, 14, 0, 3)}


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        for attempt in range(100):
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.1)
        self.lines = self.socket.makefile("rw")
        self.lines.readline()
        self("qmp_capabilities")
        self("migrate-set-capabilities", capabilities=[
            {"capability": "x-ignore-shared", "state": True}])

    def __call__(self, command, **arguments):
        self.lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                sys.exit(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def wait(self, command, field, value):
        for _ in range(600):
            status = self(command).get(field)
            if status == value:
                return
            if status == "failed":
                break
            time.sleep(0.05)
        sys.exit(f"{command}: {status}, not {value}")


def save(path, state):
    monitor = Monitor(path)
    monitor("migrate", uri=f"exec:cat >{state}")
    monitor.wait("query-migrate", "status", "completed")
    monitor("quit")


def load(path, state):
    monitor = Monitor(path)
    monitor("migrate-incoming", uri=f"exec:cat {state}")
    monitor.wait("query-status", "status", "running")


def set_register(state, register, value):
    op0, op1, crn, crm, op2 = REGISTERS[register]
    wanted = (0x6030 << 48 | 0x13 << 16 | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2)
    with open(state, "r+b") as file:
        data = bytearray(file.read())
        # A sorted array of register numbers after its length, then one of values, all big endian.
        at = data.index(struct.pack(">Q", wanted))
        start = at
        while struct.unpack_from(">H", data, start - 8)[0] in (0x4020, 0x4030, 0x6030):
            start -= 8
        length = struct.unpack_from(">I", data, start - 4)[0]
        struct.pack_into(">Q", data, at + 8 * length, int(value, 0) % 2**64)
        file.seek(0)
        file.write(data)


def tell(path, command):
    print(Monitor(path)("human-monitor-command", **{"command-line": command}))


if __name__ == "__main__":
    {"save": save, "load": load, "set": set_register, "tell": tell}[sys.argv[1]](*sys.argv[2:])
