#!/usr/bin/env bash
# Kills order_service with -9 at random moments, starts it again each time, and checks at the end that every order ended
# exactly once and as in an undisturbed run, that no charge was lost, and that no charge was asked for again whose step
# had recorded it before a kill. A batch that gets done between two kills is followed by another one.
#
#   order_service_kills.sh PROGRAM [KILLS] [SEED]
#   ORDER_SERVICE_STORE=postgres TASKER_POSTGRES=... order_service_kills.sh PROGRAM ...
set -u -o pipefail

program=$1
kills=${2:-10}
seed=${3:-$(date +%s)}
RANDOM=$((seed % 32768))
folder=$(mktemp -d "${TMPDIR:-/tmp}/order_service_kills.XXXXXX")
data=$folder/data
running=

source "$(dirname "${BASH_SOURCE[0]}")/order_service_store.bash"

clean_up() {
    [ -z "$running" ] || kill -9 "$running" 2>/dev/null
    drop_schemas "$folder"
    rm -rf "$folder"
}
trap clean_up EXIT

fail() {
    echo "FAILED (seed $seed): $1"
    tail -n 5 "$folder"/*.out 2>/dev/null
    exit 1
}

# Checks what is in the folder $1, and writes a line for each order to $2.
check() {
    "$program" check "${store[@]}" --data "$1" --list "$2" >"$folder/check.out" 2>&1 || fail "$(cat "$folder/check.out")"
}

# Runs the program for up to three seconds, and kills it then. Fails when it has ended by itself.
run_and_kill() {
    "$program" "${store[@]}" --data "$data" --speed 2 --quiet >"$folder/run-$1.out" 2>&1 &
    running=$!
    sleep "$((RANDOM % 3)).$(printf %03d $((RANDOM % 1000)))"
    local killed=0
    kill -9 "$running" 2>/dev/null || killed=1
    wait "$running" 2>/dev/null
    local status=$?
    running=
    [ "$killed" -eq 0 ] || [ "$status" -eq 0 ] || fail "run $1 ended by itself with status $status"
    return "$killed"
}

echo "seed $seed, $kills kills"
for ((kill = 1; kill <= kills; kill++)); do
    until run_and_kill "$kill"; do :; done
    [ -e "$data/orders.db" ] || [ -e "$data/orders.schema" ] || continue # it had no time to begin
    check "$data" "$folder/after-$kill.list"
    echo "kill $kill: $(head -n 1 "$folder/check.out")"
done

"$program" "${store[@]}" --data "$data" --speed 4 --quiet >"$folder/last.out" 2>&1 || fail "the last run ended with status $?"
check "$data" "$folder/end.list"
cat "$folder/check.out"
grep -qE "task=(pending|in_progress)" "$folder/end.list" && fail "some orders never ended"

"$program" "${store[@]}" --data "$folder/calm" --speed 20 --quiet >"$folder/calm.out" 2>&1 || fail "the undisturbed run ended with status $?"
check "$folder/calm" "$folder/calm.list"

# The order's id, how it ended, how its charge ended; of batch $2.
outcomes() { sed -n "s|^$2/||p" "$1" | cut -d' ' -f1-3; }
batches=$(ls "$data"/report-*.txt | wc -l)
for ((batch = 1; batch <= batches; batch++)); do
    diff <(outcomes "$folder/calm.list" 1) <(outcomes "$folder/end.list" "$batch") >"$folder/diff.out" ||
        fail "orders ended otherwise than in an undisturbed run: $(head -n 6 "$folder/diff.out")"
done

# An order whose charge was recorded before a kill is never charged again: the gateway heard nothing more of it.
for list in "$folder"/after-*.list; do
    again=$(awk 'NR == FNR { if ($3 == "charge=complete") requests[$1] = $4; next }
                 ($1 in requests) && requests[$1] != $4 { print $1, requests[$1], "->", $4 }' "$list" "$folder/end.list")
    [ -z "$again" ] || fail "charged again after it was recorded (${list##*/}): $again"
done
echo "every order ended exactly once (batches: $batches, kills: $kills)"
