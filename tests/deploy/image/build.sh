#!/usr/bin/env bash
# Builds a target of the Dockerfile, without a container engine. Usage: build.sh TARGET NAME. Needs buildah and podman.
# Packages come from where this machine's pip takes them: its certificates and its folder of wheels are mounted, so that
# nothing of them stays in the image.
set -euo pipefail
cd "$(dirname "$0")/../../.."
target=$1 name=$2
base=docker.io/library/python:3.11-slim-bookworm
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT

# Where the real base can be had, `podman pull` it before; it is not looked for here.
podman image exists "$base" || tests/deploy/image/stand-in-base.sh "$base"

certificates=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
mounts=(--volume "$certificates:/run/certificates.crt:ro")
printf '[global]\ncert = /run/certificates.crt\n' >"$settings"
if [ -d "${PIP_FIND_LINKS:-}" ]; then
  mounts+=(--volume "$PIP_FIND_LINKS:/run/wheels:ro")
  printf 'find-links = /run/wheels\n' >>"$settings"
fi
buildah bud --network host --isolation chroot --layers --ignorefile deploy/image/Dockerfile.dockerignore \
  --file deploy/image/Dockerfile --secret "id=pip.conf,src=$settings" "${mounts[@]}" --target "$target" --tag "$name" .
