#!/usr/bin/env bash
# Rehearses a release: wheel and source archive are built, the wheel is installed in a fresh environment, and the
# installed command does what `make demo` does, away from the checkout. Usage: release-check.sh FOLDER-OF-HATCHLING
set -euo pipefail
bin=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT

cd "$root"
rm -rf dist
"$bin/python" -m hatchling build --directory dist
wheel=$(ls dist/*.whl)
archive=$(ls dist/*.tar.gz)

# The source archive builds the same wheel.
mkdir "$trial/source"
tar -xzf "$archive" -C "$trial/source" --strip-components 1
(cd "$trial/source" && "$bin/python" -m hatchling build --target wheel --directory "$trial/again")
names() { "$bin/python" -m zipfile --list "$1" | awk "{print \$1}" | sort; }
diff <(names "$wheel") <(names "$trial"/again/*.whl)

"${PYTHON:-python3}" -m venv "$trial/venv"
"$trial/venv/bin/pip" install --quiet --constraint constraints.txt "$root/$wheel[bohb,report,trainer]"
"$trial/venv/bin/pip" check

cp examples/digits-demo.yaml "$trial"
cd "$trial"
export NAGO_DATABASE_URL="$trial/nago.sqlite" OMP_NUM_THREADS=1
run="$trial/venv/bin/nago-orch"
"$run" --version
"$run" submit digits-demo.yaml --local
"$run" best
"$run" pareto
"$run" report -O report.html
"$run" replay --verify
"$trial/venv/bin/python" -c "from nago_trainer.saved_network import load_network"
echo "ready to be released: $wheel and $archive"
