#!/bin/sh
# Installs what a lock names into /opt/gradproof. Left out is what only compiling against PyTorch needs, and PyTorch's own
# test programs.
set -eu
pip="/opt/tools/bin/pip --python /opt/gradproof/bin/python"
$pip install --no-cache-dir --no-deps --require-hashes -r "$1"
$pip check
torch=$(echo /opt/gradproof/lib/python3*/site-packages/torch)
rm -rf "$torch/include" "$torch/share" "$torch/test" "$torch"/lib/*_test.so
find "$torch/bin" -type f ! -name torch_shm_manager -delete # which PyTorch looks for when it is imported
find /opt/gradproof -name '*.a' -delete
/opt/gradproof/bin/python -c 'import torch'
