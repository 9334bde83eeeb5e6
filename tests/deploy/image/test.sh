#!/usr/bin/env bash
# Installs what builds and runs images, builds the image for CPUs, and tests it; see ../test_image.py.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export CONTAINERS_CONF=$PWD/tests/deploy/image/containers.conf
name=localhost/gradproof:under-test

tools=(aardvark-dns buildah catatonit debootstrap iptables netavark podman runc)
if ! dpkg --status "${tools[@]}" >/dev/null 2>&1; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${tools[@]}" >/dev/null
fi
tests/deploy/image/build.sh cpu "$name"
IMAGE_UNDER_TEST=$name .venv/bin/python -m pytest tests/deploy/test_image.py -s
