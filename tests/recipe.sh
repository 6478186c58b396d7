#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scripts around the recipe, with builds that only pretend: what reproduce, reproduce-twice, source-bundle
# and update-payload say and do; and what the kernel's real build script refuses.

. "$SRCDIR/tests/lib.sh"

mkdir "$T/data"
cp -R "$SRCDIR/data/." "$T/data"
chmod -R u+w "$T/data"
cd "$T"
fake_kernel kernel 6.12.0-one
fake_init init-oci
echo source >tarball
export LINUX_TARBALL="$T/tarball"
sed -i "s/^LINUX_TARBALL_SHA256=.*/LINUX_TARBALL_SHA256=$($SHA256 tarball | sed 's/ .*//')/" data/linux/source

# Both builds copy what lies in $T; FLAW makes the kernel depend on where and by whom it is built.
cat >build.sh <<'BUILD'
set -eu
while [ $# -gt 0 ]; do
	case $1 in
	--output) output=$2 ;;
	--work) mkdir -p "$2"; cd "$2" ;;
	--accept-config) shift; continue ;;
	esac
	shift 2
done
cp "$T/${output##*/}" "$output"
[ -z "${FLAW-}" ] || [ "${output##*/}" != kernel ] || pwd >>"$output"
BUILD
export T
chmod 755 "$T"
cp build.sh data/linux/build.sh
cp build.sh data/init/build.sh

adopts() {
	sh data/update-payload.sh data kernel init-oci
	grep '^kernel_release=6.12.0-one$' data/manifest
	[ "$(sed -n 's/^recipe_sha256=//p' data/manifest)" = "$(sh data/recipe.sh)" ]
	"$XZ" -dc data/kernel.xz | cmp - kernel
	(cd "$T" && $SHA256 -c data/SHA256SUMS)
}

payload_date() {
	sed -n 's/^payload_date=//p' data/manifest
}

same_date() {
	date=$(payload_date)
	SOURCE_DATE_EPOCH=$((date + 100)) sh data/update-payload.sh data kernel init-oci
	[ "$date" = "$(payload_date)" ]
}

other_date() {
	date=$(payload_date)
	fake_kernel other 6.12.0-two
	SOURCE_DATE_EPOCH=1 sh data/update-payload.sh data other init-oci
	[ "$(payload_date)" -gt "$date" ]
	sh data/update-payload.sh data kernel init-oci
}

# exits STATUS PATTERN COMMAND...
exits() {
	want=$1
	pattern=$2
	shift 2
	status=0
	"$@" >message 2>&1 || status=$?
	cat message
	[ "$status" -eq "$want" ] && grep -q -e "$pattern" message
}

reproduce() {
	sh data/reproduce.sh work
}

bundle() {
	sh data/source-bundle.sh "$T/all.tar"
	tar -tf all.tar >list
	for file in tarball NOTICE COPYING.GPL data/linux/source data/linux/build.sh data/linux/resolved.config data/init/main.c; do
		grep -x "all/$file" list
	done
	tar -xOf all.tar all/tarball | cmp - tarball
	[ ! -e all.tar.tmp ] && [ ! -e all.tar.dir ]
}
cp "$SRCDIR"/NOTICE "$SRCDIR"/COPYING.* .

if command -v dpkg-query >/dev/null && dpkg-query -W gcc-12-aarch64-linux-gnu lld-14 musl-dev:arm64 >/dev/null 2>&1; then
	check 'update-payload takes a kernel and an init-oci' adopts
	check 'the same bytes keep their date' same_date
	check 'other bytes get a later one' other_date
	check 'reproduce says which files are the same' exits 0 '^kernel: reproduced' reproduce
	check 'reproduce says which differ' exits 1 '^kernel: DIFFERS' env FLAW=1 sh data/reproduce.sh work
	check 'reproduce skips loudly without the source' \
		exits 77 'NOT REPRODUCED: .*: install linux-source' env LINUX_TARBALL=/nonexistent sh data/reproduce.sh work
	check 'reproduce skips loudly with another source' \
		exits 77 'NOT REPRODUCED: .* is not that of' env LINUX_TARBALL="$T/kernel" sh data/reproduce.sh work
	check 'reproduce-twice compares two builds' exits 0 '^kernel: the same twice' sh data/reproduce-twice.sh twice
	check 'reproduce-twice finds a path in the bytes' exits 1 'differ' env FLAW=1 sh data/reproduce-twice.sh twice
else
	skip 'update-payload, reproduce, reproduce-twice' 'install the packages gcc-aarch64-linux-gnu, lld and musl-dev:arm64'
fi
check 'source-bundle has source, recipe and licences' bundle
check 'source-bundle refuses another source' \
	exits 1 'is not that of' env LINUX_TARBALL="$T/kernel" sh data/source-bundle.sh "$T/other.tar"

# update-pin with an apt that knows one version: $T/version.
mkdir -p bin usr/src usr/share/doc/linux-source-6.12
cat >bin/apt-cache <<'STUB'
#!/bin/sh
echo "  Candidate: $(cat "$T/version")"
STUB
cat >bin/apt-get <<'STUB'
#!/bin/sh
touch package.deb
STUB
cat >bin/dpkg-deb <<'STUB'
#!/bin/sh
cp -R "$T/usr" .
STUB
chmod 755 bin/*
echo newer >usr/src/linux-source-6.12.tar.xz
printf 'linux (6.13.1-1) stable; urgency=high\n\n -- A B <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n' |
	gzip >usr/share/doc/linux-source-6.12/changelog.Debian.gz

update_pin() {
	echo "$1" >version
	PATH="$T/bin:$PATH" sh data/linux/update-pin.sh --work "$T/pin-work" --output "$T/pin-work/kernel"
}

stays() {
	cp data/linux/source source
	update_pin 1.0
	cmp source data/linux/source
}

moves() {
	update_pin 6.13.1-1
	[ "$(. data/linux/source && echo "$LINUX_VERSION $LINUX_RELEASE $EPOCH $LINUX_TARBALL_SHA256")" = \
		"6.13.1-1 6.13.1-supermachine 1767225600 $($SHA256 usr/src/linux-source-6.12.tar.xz | sed 's/ .*//')" ]
	cmp pin-work/linux-source-6.12.tar.xz usr/src/linux-source-6.12.tar.xz
	cp source data/linux/source
}

if command -v dpkg >/dev/null; then
	check 'update-linux keeps the newest pin' stays
	check 'update-linux moves the pin: version, sum, release and date' moves
	check 'update-linux says when apt knows no source' exits 1 'apt knows no' update_pin '(none)'
else
	skip 'update-linux moves the pin' 'dpkg: a Debian machine'
fi

cp "$SRCDIR/data/linux/build.sh" data/linux/build.sh
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v bison >/dev/null && command -v flex >/dev/null &&
	command -v bc >/dev/null && command -v ld.lld >/dev/null; then
	build() {
		sh data/linux/build.sh --work "$T/kernel-work" --output image "$@"
	}
	check 'the kernel build refuses another source' exits 1 'sha256' build --tarball "$T/kernel"
	mkdir linux-6.12
	echo all: >linux-6.12/Makefile
	tar -cJf tarball linux-6.12
	sed -i "s/^LINUX_TARBALL_SHA256=.*/LINUX_TARBALL_SHA256=$($SHA256 tarball | sed 's/ .*//')/" data/linux/source
	check 'the kernel build refuses a patch that does not apply' exits 1 'does not apply' build
	check 'and leaves no Image' test ! -e image

	# A kernel whose Image is its configuration and compiler, and whose Kconfig knows no CONFIG_DROPPED.
	rm -r data/linux/patches/* data/linux/config/* data/linux/overlay
	printf '%s\n' '--- /dev/null' '+++ b/patched' '@@ -0,0 +1 @@' '+patched' >data/linux/patches/0001.patch
	cat >linux-6.12/Makefile <<-'MAKE'
		allnoconfig: patched; grep -v CONFIG_DROPPED $(KCONFIG_ALLCONFIG) >$(O)/.config
		Image: $(O)/include/config/kernel.release $(O)/arch/arm64/boot/Image
		%/kernel.release: force; mkdir -p $(@D); sed -n 's/CONFIG_LOCALVERSION="\(.*\)"/6.12.0\1/p' $(O)/.config >$@
		%/Image: force; mkdir -p $(@D); echo 'compiler: $(CC)' | cat $(O)/.config - >$@
		force:
	MAKE
	tar -cJf tarball linux-6.12
	sed -i -e "s/^LINUX_TARBALL_SHA256=.*/LINUX_TARBALL_SHA256=$($SHA256 tarball | sed 's/ .*//')/" \
		-e 's/^LINUX_RELEASE=.*/LINUX_RELEASE=6.12.0-one/' data/linux/source
	fragment() {
		file=$1
		shift
		printf '%s\n' "$@" >"data/linux/$file.config"
	}
	fragment config/00 'CONFIG_LOCALVERSION="-one"' CONFIG_A=y CONFIG_B=2
	fragment variants/good 'CONFIG_LOCALVERSION="-one-good"' CONFIG_B=3
	fragment variants/dropped 'CONFIG_LOCALVERSION="-one-dropped"' CONFIG_DROPPED=y
	fragment variants/nameless CONFIG_B=3
	compiler() {
		PATH=$T/with-ccache:$PATH build && grep -x "compiler: $1" image
	}
	no_cache() {
		export CCACHE_DISABLE=1
		compiler aarch64-linux-gnu-gcc
	}
	variant() {
		build --variant good && grep -x CONFIG_A=y image && grep -x CONFIG_B=3 image
	}
	plain() {
		grep -x CONFIG_B=2 kernel-work/linux/build/.config && build && grep -x CONFIG_B=2 image
	}
	check 'the kernel build refuses a configuration that is not resolved.config' exits 1 'is not resolved' build
	check 'and takes it when told so' build --accept-config
	mkdir with-ccache
	ln -s "$(command -v env)" with-ccache/ccache
	check 'it compiles through ccache' compiler 'ccache aarch64-linux-gnu-gcc'
	check 'but not with CCACHE_DISABLE' no_cache
	check 'a variant wins over the other fragments' variant
	check 'and leaves the plain build and resolved.config alone' plain
	check 'a variant whose option is dropped is refused' exits 1 'did not accept: .*DROPPED' build --variant dropped
	check 'and one whose release is that of the payload' exits 1 'release is 6.12.0-one,' build --variant nameless
	check 'and one that does not exist' exits 1 'no variant other' build --variant other
	check 'and one that would write resolved.config' exits 1 'has no resolved' build --variant good --accept-config
else
	skip 'the kernel build refuses another source' \
		'install the packages gcc-aarch64-linux-gnu, lld, bc, bison and flex'
fi
done_testing
