#!/bin/sh
# Runs once, when the database is created: the role to which the migration grants what trainers may do.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<END
CREATE ROLE nago_trainer NOLOGIN;
END
