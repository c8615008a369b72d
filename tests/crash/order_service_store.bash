# shellcheck shell=bash
# Sourced by the tests of order_service: `store` is what tells it where its orders go, as ORDER_SERVICE_STORE wishes.

store=(--store "${ORDER_SERVICE_STORE:-sqlite}")

# Leaves nothing behind on the server: drops what the data folders inside the folder $1 name.
drop_schemas() {
    local name schema
    for name in "$1"/*/orders.schema; do
        [ -e "$name" ] || continue
        schema=$(cat "$name")
        psql -q -v ON_ERROR_STOP=1 -d "$TASKER_POSTGRES" >/dev/null \
            -c 'set client_min_messages = error' -c "drop schema \"$schema\" cascade" || echo "The schema $schema stays behind."
    done
}
