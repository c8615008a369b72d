# shellcheck shell=bash
# Sourced by tests/run and examples/run: installs what is missing, configures and builds. Everything that happens here is
# told on stderr, in a line each; what the tools print goes to logs, and is shown when something fails.

set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
builds="$repository/.build"
compiler=    # what to compile with, if not the default: CXX or g++

say() { # each argument on a line of its own
    printf '%s\n' "$@" >&2
}

# fail_with_log <sentence> <log>
fail_with_log() {
    tail -n 40 "$2" >&2
    if grep -q 'error: ' "$2"; then
        say '' 'The first errors:'
        grep -m 3 'error: ' "$2" >&2
    fi
    say '' "$1 The whole log: $2"
    exit 1
}

# ---- packages

is_installed() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

has_boost() {
    local status version
    while read -r status version; do
        if [[ $status == installed ]] && dpkg --compare-versions "$version" ge 1.81; then
            return 0
        fi
    done < <(dpkg-query -W -f='${db:Status-Status} ${Version}\n' 'libboost-json*-dev' 2>/dev/null)
    return 1
}

# The package that brings Boost.JSON and the headers of the same Boost: the distribution's own choice if that is new
# enough, else the newest there is.
choose_boost() {
    local package version best='' best_version=1.81
    for package in libboost-json-dev $(apt-cache pkgnames libboost-json1 | grep -- '-dev$' | sort -V -r); do
        version=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
        if [[ -n $version && $version != '(none)' ]] && dpkg --compare-versions "$version" ge "$best_version"; then
            best=$package best_version=$version
            break
        fi
    done
    if [[ -z $best ]]; then
        say "This system's packages have no Boost 1.81 or newer. Install one, with Boost.JSON, and run this again."
        exit 1
    fi
    printf '%s\n' "$best"
}

# A server to start, or one that the tests are told of.
has_postgres() {
    [[ -n ${TASKER_POSTGRES:-} ]] || "$repository/cmake/postgres.sh" find >/dev/null 2>&1
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# install_missing <package>...: besides the compiler, the tools and Boost, which every build needs.
install_missing() {
    if ! command -v apt-get dpkg-query >/dev/null; then
        return 0 # not Debian: CMake says what it misses
    fi
    local missing=() package boost=present
    case ${compiler:-${CXX:-g++}} in
    clang++-[0-9]*) # the sanitizers with libFuzzer, and what spells their reports, are packages of their own
        package=${compiler:-$CXX}
        package=${package#clang++-}
        set -- "clang-$package" "libclang-rt-$package-dev" "llvm-$package" "$@"
        ;;
    *) command -v "${compiler:-${CXX:-g++}}" >/dev/null || missing+=(g++) ;;
    esac
    command -v cmake >/dev/null || missing+=(cmake)
    command -v ninja >/dev/null || missing+=(ninja-build)
    command -v ccache >/dev/null || missing+=(ccache)
    command -v mold >/dev/null || missing+=(mold)
    for package in "$@"; do
        if [[ $package != postgresql ]]; then
            is_installed "$package" || missing+=("$package")
        elif ! has_postgres; then
            missing+=(postgresql)
        fi
    done
    has_boost || boost=missing
    if [[ ${#missing[@]} == 0 && $boost == present ]]; then
        return 0
    fi
    if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
        [[ $boost == present ]] || missing+=("$(choose_boost)")
        say "Packages are missing, and neither root nor sudo is at hand. As root: apt-get install ${missing[*]}"
        exit 1
    fi
    install "$boost" ${missing[@]+"${missing[@]}"}
}

# install present|missing <package>...: the first word is about Boost, whose package is only known after the update.
install() {
    local boost=$1 log="$builds/install.log"
    shift
    mkdir -p "$builds"
    say "Fetching the package lists ..."
    as_root apt-get -q -y update >"$log" 2>&1 || fail_with_log "apt-get update failed." "$log"
    if [[ $boost == missing ]]; then
        set -- "$@" "$(choose_boost)"
    fi
    say "Installing $* ..."
    (
        if [[ " $* " == *' postgresql '* ]]; then
            trap allow_main_cluster EXIT
            forbid_main_cluster
        fi
        as_root apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends --no-remove "$@"
    ) >>"$log" 2>&1 || fail_with_log "Installing $* failed." "$log"
}

# Debian's package of the server makes a cluster when it is installed first, and starts it at once and at every boot,
# which nobody asked for: the tests start their own. This setting of the package lasts for the installation only.
cluster_settings=/etc/postgresql-common/createcluster.d
forbid_main_cluster() {
    as_root mkdir -p "$cluster_settings"
    echo 'create_main_cluster = false' | as_root tee "$cluster_settings/tasker.conf"
}
allow_main_cluster() {
    as_root rm -f "$cluster_settings/tasker.conf"
    as_root rmdir --ignore-fail-on-non-empty "$cluster_settings"
}

# ---- building

# As many compilers as there are processors, but no more than fit into memory at 2 GB each.
jobs() {
    local processors available
    processors=$(nproc)
    available=$(awk '/^MemAvailable:/ { print int($2 / 2000000) }' /proc/meminfo 2>/dev/null) || available=$processors
    if ((available < 1)); then
        available=1
    fi
    echo $((processors < available ? processors : available))
}

# folder_of <preset>
folder_of() {
    if [[ $1 == tests && -n $compiler ]]; then
        echo "$builds/$1-${compiler##*/}"
    else
        echo "$builds/$1"
    fi
}

# configure <preset> [option...]: into the preset's folder
configure() {
    local folder options=() log
    folder=$(folder_of "$1")
    log="$folder.configure.log"
    mkdir -p "$builds"
    if [[ -f $folder/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$repository" "$folder/CMakeCache.txt"; then
        rm -rf "$folder" # the repository was moved or copied
    elif [[ -n $compiler ]] && ! grep -qs "^CMAKE_CXX_COMPILER:.*=\(.*/\)\?${compiler##*/}$" "$folder/CMakeCache.txt"; then
        rm -rf "$folder" # was made with another compiler, which CMake cannot change
    fi
    if [[ -n $compiler ]]; then
        options+=("-DCMAKE_CXX_COMPILER=$compiler")
    fi
    if [[ ! -f $folder/CMakeCache.txt ]] && command -v ninja >/dev/null; then
        options+=(-G Ninja)
    fi
    if [[ ${CI:-} == true ]]; then
        options+=(-DTASKER_WERROR=ON)
    else
        options+=(-DTASKER_WERROR=OFF)
    fi
    cmake -S "$repository" --preset "$1" -B "$folder" "${options[@]}" "${@:2}" >"$log" 2>&1 ||
        fail_with_log "CMake cannot configure." "$log"
}

# build <preset> <what> [target...]: what a person calls the thing that is built.
build() {
    local folder what=$2 log
    folder=$(folder_of "$1")
    log="$folder.build.log"
    shift 2
    cmake --build "$folder" --parallel "$(jobs)" ${1+--target "$@"} 2>&1 | tee "$log" | show_progress "$what" ||
        fail_with_log "Building $what failed." "$log"
}

# Turns what ninja or make print into a bar on a terminal, and elsewhere into a line now and then.
show_progress() {
    local line made total told=$SECONDS shown=no
    while IFS= read -r line; do
        if [[ $line == *'] Re-'* ]]; then
            continue # ninja looks for new files, and runs CMake if there are any
        elif [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            made=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
        elif [[ $line =~ ^\[\ *([0-9]+)%\] ]]; then
            made=${BASH_REMATCH[1]} total=100
        else
            continue
        fi
        if [[ -t 2 ]]; then
            draw_bar "$1" "$made" "$total"
        elif [[ $shown == no ]] || ((SECONDS - told >= 20)); then
            say "Building $1: $made of $total ..."
            told=$SECONDS
        fi
        shown=yes
    done
    if [[ -t 2 && $shown == yes ]]; then
        printf '\r\033[K' >&2
    fi
}

draw_bar() {
    local width=40 filled
    filled=$((width * $2 / $3))
    printf '\rBuilding %s [%s%s] %d/%d\033[K' "$1" \
        "$(printf '%*s' "$filled" '' | tr ' ' '#')" "$(printf '%*s' $((width - filled)) '' | tr ' ' '.')" "$2" "$3" >&2
}
