#!/usr/bin/env bash
# Runs wfrun on the file that it ships, very fast, and checks what it prints, draws and keeps; then on bad files, of which
# nothing may be left.
#
#   wfrun.sh PROGRAM
set -u -o pipefail

program=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/wfrun.XXXXXX")
trap 'rm -rf "$folder"' EXIT
export XDG_STATE_HOME=$folder/state

fail() {
    echo "FAILED: $1"
    cat "$folder"/*.out 2>/dev/null
    exit 1
}

# says FILE TEXT: a line of FILE holds TEXT
says() {
    grep -qF -e "$2" "$folder/$1" || fail "$1 does not say: $2"
}

# refuses STATUS TEXT ARGUMENT...: it ends with STATUS, says TEXT, and leaves nothing behind
refuses() {
    local wanted=$1 text=$2 status=0
    shift 2
    "$program" "$@" >"$folder/refused.out" 2>&1 || status=$?
    [ "$status" = "$wanted" ] || fail "wfrun $* ended with status $status, not $wanted"
    says refused.out "$text"
    [ ! -e "$XDG_STATE_HOME" ] || fail "wfrun $* left something in $XDG_STATE_HOME"
}

"$program" --help >"$folder/help.out" || fail "--help ended with status $?"
says help.out "--store FILE"

cat >"$folder/cycle.json" <<'END'
{"name": "cycle", "schemaVersion": "1.5", "workflow": {
    "specification": {"tasks": [
        {"name": "hen", "id": "hen", "parents": ["egg"], "children": ["egg"]},
        {"name": "egg", "id": "egg", "parents": ["hen"], "children": ["hen"]}]},
    "execution": {"makespanInSeconds": 2, "executedAt": "2026-05-12T06:02:11Z", "tasks": [
        {"id": "hen", "runtimeInSeconds": 1}, {"id": "egg", "runtimeInSeconds": 1}]}}}
END
refuses 1 "cycle.json: workflow.specification.tasks: the steps form a cycle: hen -> egg -> hen" "$folder/cycle.json"
head -n 3 "$folder/cycle.json" >"$folder/cut.json"
refuses 1 "cut.json: line 4, column 1: the file ends here" "$folder/cut.json"
refuses 1 "there is no such file" "$folder/none.json"
refuses 1 "name a file in a folder that exists" --svg "$folder/none/chart.svg"
refuses 2 "--speed takes a number from 0.001 to 1000000" --speed 0
refuses 2 "There is no option" --sped 7

"$program" --speed 20000 --workers 6 --order fifo --store "$folder/runs.db" --svg "$folder/chart.svg" \
    >"$folder/run.out" 2>&1 || fail "the run ended with status $?"
says run.out "coastline-atlas: a new run."
says run.out "58 of 58 steps done (100 %), 0 running"
says run.out "critical path  752.0 s (12.5 min)"
says run.out "this run, first in, first out"
says run.out "planned, first in, first out           1059.7 s            1.409"
says run.out "planned, critical path first            922.6 s            1.227"
says run.out "The critical path, 10 tasks:"
[ -s "$folder/runs.db" ] || fail "the run is not kept in the store that was named"
[ ! -e "$XDG_STATE_HOME" ] || fail "something is left beside the store that was named"
[ "$(grep -c 'class="step"' "$folder/chart.svg")" = 58 ] || fail "the chart does not show 58 steps"
says chart.svg "</svg>"

"$program" --speed 20000 --store "$folder/runs.db" >"$folder/again.out" 2>&1 || fail "the second run ended with status $?"
says again.out "coastline-atlas: a new run."
says again.out "Gantt chart: $folder/coastline-atlas.svg"
[ -s "$folder/coastline-atlas.svg" ] || fail "the chart is not drawn beside the store"
