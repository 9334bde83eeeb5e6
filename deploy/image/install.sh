#!/bin/sh
# Installs what a lock names and the project's wheel into /opt/gradproof, and leaves out what only building needs.
set -eu
python=/opt/gradproof/bin/python
$python -m pip install --no-cache-dir --no-deps --require-hashes -r "$1"
$python -m pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
$python -m pip check
$python -m pip uninstall --yes --quiet pip
torch=$(echo /opt/gradproof/lib/python3*/site-packages/torch)
rm -rf "$torch/include" "$torch/share" "$torch/test" "$torch"/lib/*_test.so
find "$torch/bin" -type f ! -name torch_shm_manager -delete # which PyTorch looks for when it is imported
find /opt/gradproof -name '*.a' -delete
$python -c 'import gradproof_server.app'
