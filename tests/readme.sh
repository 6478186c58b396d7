#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# README.md tells the truth: its shell blocks run, its programs build, its two commands are those of CI.
# A block that opens with ```LANGUAGE FILE is that file; one that opens with ```sh is run.

. "$SRCDIR/tests/lib.sh"

readme=$SRCDIR/README.md
cp -Rp "$STAGE" "$T/prefix"
PATH=$T/prefix/bin:$PATH
LD_LIBRARY_PATH=$T/prefix/lib
PKG_CONFIG_LIBDIR=$T/prefix/lib/pkgconfig:$T/prefix/share/pkgconfig
export PATH LD_LIBRARY_PATH PKG_CONFIG_LIBDIR
unset PKG_CONFIG_PATH

# As after `make install`: the prefix of the .pc files is where the files are.
for pc in "$T"/prefix/lib/pkgconfig/*.pc "$T"/prefix/share/pkgconfig/*.pc; do
	sed "s|^prefix=.*|prefix=$T/prefix|" "$pc" >"$T/pc"
	cp "$T/pc" "$pc"
done

mkdir "$T/blocks"
cd "$T/blocks"
awk '/^```/ {
	if (out) { close(out); out = "" }
	else if (NF == 2) out = $2
	else if ($1 == "```sh") out = sprintf("block%02d.sh", ++n)
	else out = "/dev/null"
	next
} out { print > out }' "$readme"

two_commands() {
	grep -x './bootstrap install' "$SRCDIR/.ci/run" && grep -x './bootstrap check' "$SRCDIR/.ci/run"
	grep '^\./bootstrap install' "$readme" && grep '^\./bootstrap check' "$readme"
}

# with COMMAND PACKAGE NAME FUNCTION
with() {
	if command -v "$1" >/dev/null; then check "$3" "$4"; else skip "$3" "install the package $2"; fi
}

in_meson() {
	mkdir meson && cp meson.build app.c meson
	meson setup meson/build meson && meson compile -C meson/build && meson/build/app
}
in_cmake() {
	mkdir cmake && cp CMakeLists.txt app.c cmake
	cmake -S cmake -B cmake/build && cmake --build cmake/build && cmake/build/app
}
in_rust() {
	mkdir -p rust/src && cp build.rs rust && cp main.rs rust/src
	printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\nbuild = "build.rs"\n' >rust/Cargo.toml
	(cd rust && cargo run --offline)
}
in_go() {
	mkdir go && cp main.go go
	(cd go && printf 'module app\n' >go.mod && go run .)
}
in_python() {
	python3 app.py | grep -x "$(wc -c <"$T/prefix/share/supermachine/kernel") bytes of kernel"
}

if [ -d "$SRCDIR/.ci" ]; then
	check 'the two commands are those that CI runs' two_commands
else
	skip 'the two commands are those that CI runs' 'not in the tarball'
fi
need pkg-config pkg-config
for block in block*.sh; do
	# A fresh clone, a package manager, or another run of all tests: not inside a test.
	if grep -q -e '^\./bootstrap' -e '^\./configure' -e '^make ' "$block"; then continue; fi
	check "block of commands: $(sed -n 1p "$block")" sh -eux "$block"
done
with meson meson 'meson.build' in_meson
with cmake cmake 'CMakeLists.txt' in_cmake
with cargo cargo 'build.rs and main.rs' in_rust
with go golang-go 'main.go' in_go
with python3 python3 'app.py' in_python
done_testing
