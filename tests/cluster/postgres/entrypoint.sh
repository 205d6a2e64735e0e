#!/bin/sh
# Makes the database at the first start, as the official image does, and becomes the server.
set -eu
socket=/var/run/postgresql

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" > /tmp/password
  initdb --username "$POSTGRES_USER" --pwfile /tmp/password --encoding UTF8 --locale C.UTF-8 --auth-local trust \
    --auth-host scram-sha-256 --pgdata "$PGDATA"
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl --pgdata "$PGDATA" --wait --options "-c listen_addresses='' -k $socket" start
  createdb --host "$socket" --username "$POSTGRES_USER" "$POSTGRES_DB"
  export PGHOST=$socket
  for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
  pg_ctl --pgdata "$PGDATA" --wait --mode fast stop
fi
exec postgres -D "$PGDATA" -k "$socket" -c 'listen_addresses=*'
