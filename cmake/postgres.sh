#!/usr/bin/env bash
# A PostgreSQL of one's own for tests and examples: reached through a socket that nobody else may enter, gone after use.
set -euo pipefail

usage='cmake/postgres.sh find
  prints the folder of programs of the newest PostgreSQL server that is installed; ends with 3 when there is none
cmake/postgres.sh start [--durable] [--for PID] FOLDER
  starts a server with its files in FOLDER and prints how libpq connects to it; one that runs already is left alone
  --durable   commits reach the disk, and a later start goes on with the same data; otherwise it begins anew
  --for PID   stops the server when the process PID, and every other it was started for, has ended
cmake/postgres.sh stop FOLDER
  stops the server at once and removes its files
cmake/postgres.sh with [--durable] FOLDER COMMAND...
  runs the command with TASKER_POSTGRES saying how to connect to the server in FOLDER, which is started for it; does no
  more than run it where TASKER_POSTGRES says that already'

say() { # each argument on a line of its own
    printf '%s\n' "$@" >&2
}

fail() {
    say "$@"
    exit 1
}

# fail_with_log <sentence> <log>
fail_with_log() {
    say "$1 The end of $2 says:"
    tail -n 20 "$2" >&2 || true
    exit 1
}

find_server() {
    local programs path
    path=$(type -P postgres || true)
    while IFS= read -r programs; do
        if [[ -x $programs/postgres && -x $programs/initdb && -x $programs/pg_ctl ]]; then
            printf '%s\n' "$programs"
            return 0
        fi
    done < <(
        exec 2>/dev/null # what is found first is read alone
        printf '%s\n' /usr/lib/postgresql/*/bin | sort -V -r
        pg_config --bindir
        printf '%s\n' "${path%/*}"
    )
    say "There is no PostgreSQL server on this machine. Install one (Debian: apt-get install postgresql), or put its" \
        "programs, of which initdb, pg_ctl and postgres are needed, on the PATH."
    return 3
}

# ---- whose files and processes these are

is_root() {
    [[ $(id -u) == 0 ]]
}

# PostgreSQL refuses to run as root, who lets the system user of Debian's package run it.
as_server() {
    if is_root; then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

require_server_user() {
    if is_root && ! id -u postgres >/dev/null 2>&1; then
        fail "PostgreSQL does not run as root, and there is no system user 'postgres' to run it." \
            "Make one (useradd --system postgres), or run this as another user."
    fi
}

# Until this script ends nobody else starts or stops the server of this folder.
lock() {
    while true; do
        mkdir -p "$folder"
        exec 9<"$folder"
        flock 9
        if [[ $folder -ef /proc/self/fd/9 ]]; then
            return 0 # and not one that was removed while we waited
        fi
    done
}

is_ours() {
    [[ -f $folder/kind ]]
}

data() {
    readlink -f "$folder/data"
}

# Whether the process of the lock file is this server: its number may be another's by now, but not its directory.
is_running() {
    local process=''
    if [[ -f $folder/data/postmaster.pid ]]; then
        read -r process <"$folder/data/postmaster.pid" || true
    fi
    [[ -n $process && $(as_server readlink "/proc/$process/cwd") == "$(data)" ]]
}

# ---- making and removing

# A folder for the socket, whose path may have 107 bytes at most. Only its owner may enter it: the server trusts whoever
# reaches the socket.
make_socket_folder() {
    local parent=${TMPDIR:-/tmp}
    if [[ ! $parent =~ ^/[A-Za-z0-9/._-]{0,60}$ ]] || ! as_server test -w "$parent" -a -x "$parent"; then
        parent=/tmp
    fi
    ln -sfn "$(as_server mktemp -d "$parent/tasker-postgres.XXXXXX")" "$folder/socket"
}

# The data stand in FOLDER, or beside the socket where the server's user cannot reach FOLDER, as in root's home.
make_cluster() {
    local options=(--username=postgres --auth=trust --encoding=UTF8 --locale=C)
    printf '%s\n' "$kind" >"$folder/kind"
    make_socket_folder
    if as_server test -x "$folder"; then
        mkdir -m 700 "$folder/data"
        if is_root; then
            chown postgres: "$folder/data"
        fi
    else
        ln -s "$(readlink "$folder/socket")/data" "$folder/data"
    fi
    if [[ $kind != durable ]]; then
        options+=(--no-sync)
    fi
    as_server "$programs/initdb" "${options[@]}" -D "$(readlink -m "$folder/data")" >"$folder/initdb.log" 2>&1 9<&- ||
        fail_with_log "PostgreSQL cannot make a cluster." "$folder/initdb.log"
    printf "include '%s'\n" tasker.conf >>"$folder/data/postgresql.conf"
    touch "$folder/made"
}

remove_cluster() {
    local socket
    socket=$(readlink "$folder/socket" || true)
    if [[ $socket == */tasker-postgres.?????? ]]; then
        rm -rf "$socket"
    fi
    rm -rf "$folder"/{data,socket,started_for,connection,made,kind,initdb.log}
}

settings() {
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$1'" 'port = 5432' 'max_connections = 200'
    if [[ $kind != durable ]]; then
        # Shared memory among the files, which are removed: one that is killed leaves no segments to the machine.
        printf '%s\n' 'fsync = off' 'full_page_writes = off' 'dynamic_shared_memory_type = mmap'
    fi
}

launch() {
    local socket log
    if [[ ! -d $folder/socket ]]; then
        make_socket_folder # temporary folders do not outlive the machine
    fi
    socket=$(readlink "$folder/socket")
    log="$(data)/server.log"
    settings "$socket" | as_server tee "$(data)/tasker.conf" >/dev/null
    as_server "$programs/pg_ctl" -D "$(data)" -l "$log" -s -w -t 60 start </dev/null >/dev/null 2>&1 9<&- ||
        fail_with_log "PostgreSQL does not start." "$log"
    printf 'host=%s port=5432 dbname=postgres user=postgres\n' "$socket" >"$folder/connection"
}

halt() { # immediate, or fast: with the data on disk
    if is_running; then
        as_server "$programs/pg_ctl" -D "$(data)" -m "$1" -s -w -t 60 stop >/dev/null 2>&1 9<&- ||
            fail_with_log "PostgreSQL does not stop." "$(data)/server.log"
    fi
}

# ---- the commands

start() {
    programs=$(find_server)
    require_server_user
    close_inherited_files
    lock
    if ! is_ours && [[ -n $(ls -A "$folder") ]]; then
        fail "$folder holds files of something else. Name a folder that is new or empty."
    fi
    if ! is_running; then
        if [[ ! (-f $folder/made && -d $folder/data && $kind == durable && $(<"$folder/kind") == durable) ]]; then
            remove_cluster
            make_cluster
        fi
        rm -rf "$folder/started_for"
        launch
    elif [[ $(<"$folder/kind") != "$kind" ]]; then
        fail "The server in $folder runs and is not '$kind' but '$(<"$folder/kind")'. Stop it first."
    fi
    mkdir -p "$folder/started_for"
    touch "$folder/started_for/${process:-ever}"
    if [[ -n $process ]]; then
        setsid "$BASH" "$script" stop-after "$process" "$folder" </dev/null >/dev/null 2>&1 9<&- &
    fi
    cat "$folder/connection"
}

# A server must not keep open what its starter has open: who reads from a pipe would wait for the server to end.
close_inherited_files() {
    local file
    for file in /proc/self/fd/*; do
        file=${file##*/}
        if ((file > 2 && file != 255)); then # 255 is bash's own
            eval "exec $file>&-"
        fi
    done
}

stop() {
    if is_ours; then
        programs=$(find_server)
        lock
        halt_and_remove
    fi
}

halt_and_remove() {
    halt immediate
    remove_cluster
    rmdir --ignore-fail-on-non-empty "$folder"
}

# Waits in the background until the process has ended, and stops the server if that was the last it was started for.
stop_after() {
    local left
    while kill -0 "$process" 2>/dev/null; do
        if [[ ! -e $folder/started_for/$process ]]; then
            return 0 # stopped by hand
        fi
        sleep 0.2
    done
    programs=$(find_server)
    lock
    rm -f "$folder/started_for/$process"
    for left in "$folder"/started_for/*; do
        left=${left##*/}
        if [[ $left == ever ]] || kill -0 "$left" 2>/dev/null; then
            return 0
        fi
    done
    if is_ours && [[ $(<"$folder/kind") == durable ]]; then
        halt fast
    else
        halt_and_remove
    fi
}

# In the caller's own folder and environment.
with() {
    local options=(--for $$)
    if [[ $kind == durable ]]; then
        options+=(--durable)
    fi
    if [[ -z ${TASKER_POSTGRES:-} ]]; then
        TASKER_POSTGRES=$("$BASH" "$script" start "${options[@]}" "$folder")
        export TASKER_POSTGRES
    fi
    exec "$@"
}

misused() {
    say "$1" "$usage"
    exit 2
}

script=$(readlink -f "${BASH_SOURCE[0]}")
kind=throw-away
process=''
command=${1:-}
shift || true
if [[ $command == stop-after ]]; then
    process=$1
    shift
fi
while [[ $command =~ ^(start|with)$ && ${1:-} == --* ]]; do
    case $1 in
    --durable) kind=durable ;;
    --for)
        [[ $command == start ]] || misused "The server of 'with' is started for its command."
        [[ ${2:-} =~ ^[0-9]+$ ]] || misused "--for takes the number of a process."
        process=$2
        shift
        ;;
    *) misused "$command has no option '$1'." ;;
    esac
    shift
done
if [[ $command != find && $command != --help ]]; then
    [[ $# -gt 0 && -n $1 ]] || misused "Say a command and a folder."
    folder=$(readlink -m "$1")
    shift
fi
if [[ $command == with && $# -gt 0 ]]; then
    with "$@"
fi
[[ $# == 0 && $command != with ]] || misused "A folder is followed by nothing but the command of 'with'."
cd / # which the server's user may enter
unset "${!PG@}"
export LC_ALL=C
case $command in
find) find_server ;;
start) start ;;
stop) stop ;;
stop-after) stop_after ;;
--help) echo "$usage" ;;
*) misused "There is no command '$command'." ;;
esac
