#!/usr/bin/env bash
# What a bare Debian machine needs beside Rust, Python 3 and make to try everything: a container engine that runs and what the
# stand-in for Lambda's base image is made of, for `make sam-local`; the library through which the functions' processes see the
# simulated world's DNS; and a C++ compiler, for the library that `make fuzz` links. Needs root; installs only what is missing.
set -euo pipefail

packages=()
docker info >/dev/null 2>&1 || command -v dockerd >/dev/null || packages+=(docker.io)
command -v busybox >/dev/null || packages+=(busybox-static ca-certificates)
command -v c++ >/dev/null || packages+=(g++)
ldconfig -p | grep libnss_wrapper >/dev/null || packages+=(libnss-wrapper)
if [ ${#packages[@]} -gt 0 ]; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
if ! docker info >/dev/null 2>&1; then
	setsid dockerd >/var/log/dockerd-by-hand.log 2>&1 </dev/null &
	for _ in $(seq 150); do
		docker info >/dev/null 2>&1 && break
		sleep 0.2
	done
	docker info >/dev/null 2>&1 || { tail -20 /var/log/dockerd-by-hand.log >&2; exit 1; }
fi
