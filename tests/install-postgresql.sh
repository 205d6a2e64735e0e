#!/bin/sh
# Makes sure that PostgreSQL's programs and PgBouncer are there for the tests: installs Debian's packages where it may.
set -eu
missing=
[ -n "${NAGO_TEST_DATABASE_URL:-}" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ||
    command -v initdb >/dev/null 2>&1 || missing=postgresql
PATH="$PATH:/usr/sbin" command -v pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # No cluster of the system's own: the tests start theirs.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    # shellcheck disable=SC2086  # one word for each package
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "The tests need these programs: $missing. Install them, or give the address of a PostgreSQL server in NAGO_TEST_DATABASE_URL (PgBouncer is needed anyway)." >&2
exit 2
