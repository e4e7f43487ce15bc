#!/usr/bin/env bash
# What a bare Debian machine needs beside Rust, Python 3 and make for `make sam-local`: a container engine that runs, and what the
# stand-in for Lambda's base image is made of. Needs root; changes nothing where an engine answers already.
set -euo pipefail

if ! docker info >/dev/null 2>&1 && ! command -v dockerd >/dev/null || ! command -v busybox >/dev/null; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends docker.io busybox-static ca-certificates >/dev/null
fi
if ! docker info >/dev/null 2>&1; then
	setsid dockerd >/var/log/dockerd-by-hand.log 2>&1 </dev/null &
	for _ in $(seq 150); do
		docker info >/dev/null 2>&1 && break
		sleep 0.2
	done
	docker info >/dev/null 2>&1 || { tail -20 /var/log/dockerd-by-hand.log >&2; exit 1; }
fi
