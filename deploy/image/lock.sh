#!/usr/bin/env bash
# Writes the locks anew: every package with its version and the hashes of its files, for Python 3.11 on x86-64 Linux.
# Needs uv. PyTorch's builds for CPUs lie in an index of their own: name it in UV_INDEX, or a folder in UV_FIND_LINKS.
set -euo pipefail
cd "$(dirname "$0")/../.."
torch=$(sed -n 's/^torch==//p' constraints.txt)

compile() { # INPUT OUTPUT [OPTION...]
  uv pip compile "$1" --output-file "deploy/image/lock/$2" --python-version 3.11 \
    --python-platform x86_64-manylinux_2_28 --generate-hashes --no-annotate --no-header --no-emit-index-url \
    --no-emit-find-links --quiet "${@:3}"
}

compile pyproject.toml cpu.txt --extra server --extra jwt --extra otel --constraint <(echo "torch==$torch+cpu")
compile pyproject.toml cuda.txt --extra server --extra jwt --extra otel --constraint <(echo "torch==$torch")
compile <(echo hatchling; cat constraints-protos.txt) build.txt
compile <(echo cyclonedx-bom) sbom.txt
