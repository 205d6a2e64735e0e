#!/bin/sh
# Run once, when the database is made: the trainers' user, and the role whose rights the migration grants.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<END
CREATE ROLE nago_trainer NOLOGIN;
CREATE ROLE nago_job LOGIN PASSWORD 'try-out' IN ROLE nago_trainer;
END
