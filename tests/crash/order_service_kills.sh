#!/usr/bin/env bash
# Kills order_service with -9 at random moments, starts it again each time, and checks at the end that every order ended
# exactly once and as in an undisturbed run, that no charge was lost, and that no charge was asked for again whose step
# had recorded it before a kill.
#
#   order_service_kills.sh PROGRAM [KILLS] [SEED]
set -u -o pipefail

program=$1
kills=${2:-10}
seed=${3:-$(date +%s)}
RANDOM=$((seed % 32768))
folder=$(mktemp -d "${TMPDIR:-/tmp}/order_service_kills.XXXXXX")
running=

clean_up() {
    [ -z "$running" ] || kill -9 "$running" 2>/dev/null
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
    "$program" check --data "$1" --list "$2" >"$folder/check.out" 2>&1 || fail "$(cat "$folder/check.out")"
}

echo "seed $seed, $kills kills"
data=$folder/data
done_kills=0
while [ "$done_kills" -lt "$kills" ]; do
    run=$((done_kills + 1))
    "$program" --data "$data" --speed 4 --quiet >"$folder/run-$run.out" 2>&1 &
    running=$!
    sleep "$((RANDOM % 3)).$(printf %03d $((RANDOM % 1000)))"
    if ! kill -9 "$running" 2>/dev/null; then
        wait "$running" || fail "run $run ended by itself with status $?"
        running=
        [ "$done_kills" -ge $((kills / 2)) ] || fail "all orders were done after $done_kills kills; there is nothing left to kill"
        break
    fi
    wait "$running" 2>/dev/null
    running=
    done_kills=$run
    [ -e "$data/orders.db" ] || continue
    check "$data" "$folder/after-$run.list"
    echo "kill $run: $(head -n 1 "$folder/check.out")"
done

if [ ! -e "$data/report-1.txt" ]; then
    "$program" --data "$data" --speed 4 --quiet >"$folder/last.out" 2>&1 || fail "the last run ended with status $?"
    grep -q "going on where it was" "$folder/last.out" || fail "the last run does not say that it goes on"
fi
check "$data" "$folder/end.list"
cat "$folder/check.out"

"$program" --data "$folder/calm" --speed 20 --quiet >"$folder/calm.out" 2>&1 || fail "the undisturbed run ended with status $?"
check "$folder/calm" "$folder/calm.list"

outcomes() { cut -d' ' -f1-3 "$1"; }
diff <(outcomes "$folder/calm.list") <(outcomes "$folder/end.list") >"$folder/diff.out" ||
    fail "orders ended otherwise than in an undisturbed run: $(head -n 6 "$folder/diff.out")"
grep -qE "task=(pending|in_progress)" "$folder/end.list" && fail "some orders never ended"

# An order whose charge was recorded before a kill is never charged again: the gateway heard nothing more of it.
for list in "$folder"/after-*.list; do
    again=$(awk 'NR == FNR { if ($3 == "charge=complete") requests[$1] = $4; next }
                 ($1 in requests) && requests[$1] != $4 { print $1, requests[$1], "->", $4 }' "$list" "$folder/end.list")
    [ -z "$again" ] || fail "charged again after it was recorded (${list##*/}): $again"
done
echo "every order ended exactly once, after $done_kills kills"
