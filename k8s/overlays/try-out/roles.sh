#!/bin/sh
# Runs once, when the database is created: the trainers' user, and the role to which the migration grants permissions.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<END
CREATE ROLE nago_trainer NOLOGIN;
CREATE ROLE nago_job LOGIN PASSWORD 'try-out' IN ROLE nago_trainer;
END
