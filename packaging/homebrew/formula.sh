#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# formula.sh TARBALL URL: on standard output, the Homebrew formula of that release tarball, found at URL.
set -eu

[ $# -eq 2 ] || { echo "usage: formula.sh TARBALL URL" >&2; exit 2; }
sum=$(${SHA256:-sha256sum} "$1" | sed 's/ .*//')

cat <<FORMULA
# SPDX-License-Identifier: Apache-2.0
class SupermachineKernel < Formula
  desc "Guest kernel and init of supermachine microVMs, and the library that finds them"
  homepage "https://supercorp.ai"
  url "$2"
  sha256 "$sum"
  license all_of: ["Apache-2.0", "GPL-2.0-only", "MIT"]

  depends_on "pkgconf" => :test
  depends_on "xz"

  # Programs of the guest, not of this machine
  skip_clean "share/supermachine"

  def install
    system "./configure", "--disable-silent-rules", *std_configure_args
    system "make", "install"
  end

  test do
    system bin/"supermachine-kernel", "verify"
    (testpath/"test.c").write <<~C
      #include <smkernel.h>
      int main(void) { return smkernel_verify(SMKERNEL_KERNEL); }
    C
    flags = shell_output("pkgconf --cflags --libs libsmkernel").split
    system ENV.cc, "test.c", "-o", "test", *flags
    system "./test"
  end
end
FORMULA
