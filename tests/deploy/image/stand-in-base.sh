#!/usr/bin/env bash
# Makes a stand-in for the base image where no image registry can be reached: Debian by debootstrap with the Python that
# runs this machine. It proves the steps of the Dockerfile and not the contents of the real base.
# Usage: stand-in-base.sh NAME. Environment: DEBIAN_MIRROR (default: the one of this machine).
set -euo pipefail
name=$1
python=$(python3 -c 'import sys; print(sys.base_prefix)')
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sort | uniq -c | sort -rn | awk 'NR == 1 {print $2}')}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates,libssl3,libsqlite3-0,libffi8,libbz2-1.0,liblzma5 \
  "$suite" "$root" "$mirror" >/dev/null
tar -C "$python" --exclude="lib/python$version/site-packages" --exclude="lib/python$version/test" --exclude='*.a' \
  --exclude=__pycache__ --exclude=bin -cf - . | tar -C "$root/usr/local" -xf -
cp "$python/bin/python$version" "$root/usr/local/bin/"
ln -sf "python$version" "$root/usr/local/bin/python3"
ln -sf "python$version" "$root/usr/local/bin/python"
mkdir -p "$root/usr/local/lib/python$version/site-packages"
chroot "$root" ldconfig
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
tar -C "$root" -c . | podman import --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'CMD ["python3"]' - "$name"
