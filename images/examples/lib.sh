# What the examples share: words, requests and their answers, waiting, and a clean end.
# POSIX sh and curl. An example sources this file, defines `clean_up`, and goes on.
#
#   call METHOD PATH [JSON]           a request that has to work; its answer is read by:
#   json TEXT                         a text, of several lines too, as a JSON string
#   field PATH                        one value of the answer, as status.instances.0.pid
#   rows LIST FIELD...                a line for each item of a list, its fields between tabs
#   refused STATUS METHOD PATH [JSON] a request that has to be refused so
#   check CLAIM TEST...               what has to hold, as for test(1)
#   await SECONDS WHAT COMMAND...     asks again until the command succeeds
#   listen                            takes down events from now on, for:
#   told TEXT                         whether an event has the text; which `field` reads then

set -eu

URL=${MULTIOS_URL:-http://127.0.0.1:8080}
URL=${URL%/}
work=$(mktemp -d)
name=$(basename "$0")
listener=

clean_up() { :; }
finish() {
    code=$?
    trap - EXIT
    [ -z "$listener" ] || kill "$listener" 2>/dev/null || true
    # Whatever is left of the example goes, also when something went wrong.
    (set +e; clean_up) >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- words ---------------------------------------------------------------------------------------

title() { printf '\n%s\n' "$1"; printf '%s\n' "$1" | sed 's/./=/g'; cat; }
step() { printf '\n%s\n' "$*"; }
say() { printf '    %s\n' "$*"; }
table() { sed 's/^/    /'; }
fail() {
    printf '\n%s: %s\n' "$name" "$1" >&2
    shift
    for line in "$@"; do printf '    %s\n' "$line" >&2; done
    exit 1
}
check() {
    claim=$1
    shift
    [ "$@" ] || fail "not as claimed: $claim" "what was found: $*"
    printf '    ok  %s\n' "$claim"
}

# --- requests ------------------------------------------------------------------------------------

[ -n "${MULTIOS_TOKEN:-}" ] || fail 'MULTIOS_TOKEN is not set.' \
    "It is the token that 'cargo xtask run' prints when it boots the system:" \
    'export MULTIOS_TOKEN=...'

# The token goes into a file of our own, so that it does not show in the list of processes.
(umask 077; printf 'Authorization: Bearer %s\n' "$MULTIOS_TOKEN" >"$work/token")

json() {
    printf '%s\n' "$1" | awk '
    { gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); text = text (NR > 1 ? "\\n" : "") $0 }
    END { print "\"" text "\"" }'
}
# Sends; the status is left in $status, the answer in the work folder.
send() {
    if [ $# -gt 2 ]; then
        set -- "$1" "$2" -H 'Content-Type: application/json' --data-binary "$3"
    fi
    method=$1 path=$2
    shift 2
    status=$(curl -sS --globoff --max-time 90 -X "$method" -H "@$work/token" "$@" \
        -o "$work/answer" -w '%{http_code}' "$URL$path" 2>"$work/curl") ||
        fail "$URL does not answer: $(cat "$work/curl")" \
            "Boot the system with 'cargo xtask run'; MULTIOS_URL names another address than this one."
    flatten <"$work/answer" >"$work/fields"
    case $(field code) in
    authentication_required | invalid_credentials | too_many_attempts)
        fail "$URL does not take the token: $(field detail)" \
            "Set MULTIOS_TOKEN to the one that 'cargo xtask run' printed for this boot."
        ;;
    esac
}
call() {
    send "$@"
    [ "$status" -lt 400 ] || fail "$1 $2 was refused with $status: $(field detail)" \
        "$(rows errors field message | tr '\t' ' ')"
}
refused() {
    wanted=$1
    shift
    send "$@"
    [ "$status" = "$wanted" ] || fail "$1 $2 was answered with $status instead of $wanted" \
        "$(field detail)"
    say "$status $(field code): $(field detail)"
}
# The plain text of something that is no JSON.
text() { curl -sS --globoff --max-time 30 -H "@$work/token" "$URL$1"; }

# --- answers -------------------------------------------------------------------------------------

# JSON as lines: the path of each value, a tab, the value.
flatten() {
    awk '
    function advance() {
        sub(/^[ \t\r\n]+/, "", json)
        if (!match(json, /^("([^"\\]|\\.)*"|[-+.0-9A-Za-z]+|[][{},:])/)) exit 1
        token = substr(json, 1, RLENGTH)
        json = substr(json, RLENGTH + 1)
    }
    function plain(word,    out, at, next_one) {
        if (word !~ /^"/) return word
        word = substr(word, 2, length(word) - 2)
        out = ""
        while ((at = index(word, "\\")) > 0) {
            next_one = substr(word, at + 1, 1)
            if (next_one ~ /[nrt]/) next_one = " "
            out = out substr(word, 1, at - 1) next_one
            word = substr(word, at + 2)
        }
        return out word
    }
    function value(path,    name, at) {
        if (token == "{") {
            for (advance(); token != "}"; advance()) {
                if (token == ",") advance()
                name = plain(token)
                advance(); advance()
                value(path == "" ? name : path "." name)
            }
        } else if (token == "[") {
            at = 0
            for (advance(); token != "]"; advance()) {
                if (token == ",") advance()
                value(path == "" ? at : path "." at)
                at++
            }
        } else print path "\t" plain(token)
    }
    { json = json $0 "\n" }
    END { if (json ~ /^[ \t\r\n]*[[{]/) { advance(); value("") } }'
}
field() { awk -F '\t' -v path="$1" '$1 == path { print $2; exit }' "$work/fields"; }
rows() {
    list=$1
    shift
    awk -F '\t' -v list="$list." -v names="$*" '
    BEGIN { count = split(names, name, " ") }
    index($1, list) == 1 {
        rest = substr($1, length(list) + 1)
        at = rest
        sub(/\..*/, "", at)
        of[at, substr(rest, length(at) + 2)] = $2 == "null" ? "-" : $2
        if (!(at in seen)) { seen[at]; order[++items] = at }
    }
    END {
        for (item = 1; item <= items; item++) {
            line = of[order[item], name[1]]
            for (n = 2; n <= count; n++) line = line "\t" of[order[item], name[n]]
            print line
        }
    }' "$work/fields"
}

# --- waiting -------------------------------------------------------------------------------------

await() {
    seconds=$1 what=$2
    shift 2
    end=$(($(date +%s) + seconds))
    until "$@"; do
        [ "$(date +%s)" -lt "$end" ] ||
            fail "waited $seconds seconds in vain for $what" "the last answer: $(head -c 2000 "$work/answer")"
        sleep 0.2 2>/dev/null || sleep 1
    done
}
# The stream of events has no end: it is taken down in the background until the example ends.
listen() {
    curl -sN -H "@$work/token" "$URL/api/v1/events" >"$work/stream" 2>/dev/null &
    listener=$!
    await 30 'the stream of events' test -s "$work/stream"
}
events() { sed -n 's/^data: //p' "$work/stream" | grep -F -e "$1"; }
told() {
    events "$1" | head -n 1 | flatten >"$work/fields"
    [ -n "$(field kind)" ]
}
# Whether something that is read has a value: `is PATH FIELD VALUE`.
is() { call GET "$1"; [ "$(field "$2")" = "$3" ]; }
# A program is started; its number is left in $pid.
start() { call POST /api/v1/processes "$1"; pid=$(field pid); }
# Programs and services that an example has made go, if they are there.
end_processes() {
    for one in "$@"; do send DELETE "/api/v1/processes/$one?mode=force&wait=true"; done
}
forget() {
    for one in "$@"; do
        send POST "/api/v1/services/$one/stop?wait=true"
        send DELETE "/api/v1/services/$one?wait=true"
    done
}
# Whether a process has written a text: `has_written PID TEXT`.
has_written() { call GET "/api/v1/processes/$1/output"; field text | grep -q -F -e "$2"; }
