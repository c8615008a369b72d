#!/usr/bin/env bash
# Stops order_service with Ctrl-C's signal, checks that it drains and says how to go on, and that the next run finishes
# what was left and leaves a report.
#
#   order_service_stops.sh PROGRAM
#   ORDER_SERVICE_STORE=postgres TASKER_POSTGRES=... order_service_stops.sh PROGRAM
set -u -o pipefail

program=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/order_service_stops.XXXXXX")
source "$(dirname "${BASH_SOURCE[0]}")/order_service_store.bash"
trap 'drop_schemas "$folder"; rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $1"
    cat "$folder"/*.out 2>/dev/null
    exit 1
}

for signal in INT TERM; do
    "$program" "${store[@]}" --data "$folder/data" --speed 4 >"$folder/$signal.out" 2>&1 &
    running=$!
    until grep -qs '"charged":true' "$folder/data/ledger.jsonl"; do
        kill -0 "$running" || fail "the run ended before it was stopped"
        sleep 0.1
    done
    sleep 0.5
    kill -"$signal" "$running"
    wait "$running" || fail "stopped by SIG$signal, it ended with status $?"
    grep -q "^Stopping: the .* may finish" "$folder/$signal.out" || fail "it does not say that it stops"
    grep -q "^Stopped with .* unfinished. Start it again" "$folder/$signal.out" || fail "it does not say how to go on"
    "$program" check "${store[@]}" --data "$folder/data" >"$folder/check.out" || fail "the check found something"
    grep -q "; 0 steps cut off as they ran" "$folder/check.out" ||
        fail "a running step was not allowed to finish"
done

"$program" "${store[@]}" --data "$folder/data" --speed 10 >"$folder/last.out" 2>&1 || fail "the last run ended with status $?"
grep -q "going on where it was" "$folder/last.out" || fail "the last run does not say that it goes on"
[ -s "$folder/data/report-1.txt" ] && [ -s "$folder/data/slowest-1.svg" ] || fail "there is no report or no picture"
"$program" check "${store[@]}" --data "$folder/data" || fail "the check found something"
