#!/usr/bin/env bash
# Lambda's base image as `sam local` looks for it: pulled where a registry can be reached, else a stand-in made of this
# machine's own C library and busybox. The stand-in is not Amazon Linux: it would not notice a binary that needs a newer C
# library than Lambda has. $1: the runtime interface emulator that AWS SAM brings. x86_64 and Debian only.
set -euo pipefail

rie=$1
image=public.ecr.aws/lambda/provided
base=$image:al2023-x86_64
rapid=$image:al2023-rapid-x86_64

if docker image inspect "$base" "$rapid" >/dev/null 2>&1; then
	exit 0
fi
if timeout 60 docker pull --quiet "$base" >/dev/null 2>&1; then
	exit 0
fi
if ! command -v busybox >/dev/null || [ "$(uname -m)" != x86_64 ]; then
	echo "$base cannot be pulled, and a stand-in needs busybox-static on x86_64 Debian: apt-get install busybox-static" >&2
	exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
lib=lib/x86_64-linux-gnu
mkdir -p "$root"/{bin,etc/pki/tls/certs,etc/ssl/certs,lib64,$lib,opt,proc,root,sys,dev,tmp,usr/bin,var/rapid,var/runtime,var/task}
chmod 1777 "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh mv cp chmod cat ls mkdir rm env id sleep; do
	ln -s busybox "$root/bin/$name"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
for name in libc.so.6 libm.so.6 libgcc_s.so.1 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libnss_dns.so.2 libnss_files.so.2; do
	cp -L "/$lib/$name" "$root/$lib/"
done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/pki/tls/certs/ca-bundle.crt"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

import() {
	tar -C "$root" --owner=0 --group=0 --numeric-owner -c . | docker import \
		-c 'ENV PATH=/usr/local/bin:/usr/bin:/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=en_US.UTF-8' \
		-c 'WORKDIR /var/task' - "$1" >/dev/null
}
import "$base"
install -m755 "$rie" "$root/var/rapid/aws-lambda-rie"
import "$rapid"
echo "STAND-IN: $base could not be pulled; one made of this machine's C library takes its place"
