#!/bin/sh
# emergency.sh [--all]: with --all it ends every program of the system, and starts its services again.
. "$(dirname "$0")/lib.sh"
started= running=
clean_up() {
    end_processes $started
    forget example-stubborn
    for one in $running; do send POST "/api/v1/services/$one/start?wait=true"; done
}
case ${1:-} in
'' | --all) ;;
*) fail "there is no option $1" "usage: $name [--all]" ;;
esac

title 'Emergency management' <<'TEXT'
A process, a service or all programs are ended within ten seconds, whatever state they are in and
whatever they ignore. The kernel and its API are not concerned, and say afterwards what was done.
TEXT

# emergency JSON: ends what it names
emergency() {
    call POST /api/v1/emergency/terminate "$1"
    ended=$(field ended)
    say "$ended ended, $(field remaining) left, in $(field duration_ms) ms"
    check 'nothing is left' "$(field remaining)" -eq 0
    check 'it took less than ten seconds' "$(field duration_ms)" -lt 10000
}
stubborn="trap '' TERM INT HUP; echo ready; while true; do sleep 1; done"

clean_up
listen
step '1. A process that ignores SIGTERM, and is suspended.'
start '{"program": "/bin/sh", "args": ["-c", "'"$stubborn"'"], "name": "stubborn"}'
started=$pid
await 30 'it to be ready' has_written "$pid" ready
call POST "/api/v1/processes/$pid/suspend"
call POST "/api/v1/processes/$pid/signals" '{"signal": "SIGTERM"}'
call GET "/api/v1/processes/$pid"
check 'it is still there' "$(field state)" = suspended
emergency '{"scope": "process", "pid": '"$pid"'}'
call GET "/api/v1/processes/$pid"
check 'it was ended by SIGKILL' "$(field exit.signal)" = SIGKILL

step '2. A service that forks, ignores signals, and is restarted whatever happens.'
call POST /api/v1/services '{"name": "example-stubborn", "program": "/bin/sh", "enabled": false,
    "args": ["-c", "trap \"\" TERM; setsid sleep 100006 & sleep 100007 & while true; do sleep 1; done"],
    "restart": {"policy": "always", "delay_ms": 50}}'
call POST '/api/v1/services/example-stubborn/start?wait=true'
has_forked() {
    call GET /api/v1/services/example-stubborn
    [ "$(field status.usage.processes)" -ge 3 ]
}
await 30 'it to fork' has_forked
say "it has $(field status.usage.processes) processes"
emergency '{"scope": "service", "service": "example-stubborn"}'
check 'all of its processes were ended' "$ended" -ge 3
call GET /api/v1/services/example-stubborn
check 'it has no process' "$(field status.usage.processes)" -eq 0
say "the service is $(field status.state): $(field status.detail)"
check 'it is not started again' "$(field status.state)" != running

step '3. When memory runs out, the kernel ends the program that holds most. Who would that be now?'
call GET /api/v1/memory
say "$(($(field free_bytes) / 1048576)) of $(($(field total_bytes) / 1048576)) MiB are free"
start '{"program": "/bin/sh", "name": "hungry", "args": ["-c",
    "x=0123456789abcdef; while [ ${#x} -lt 16777216 ]; do x=$x$x; done; sleep 100008; echo"]}'
started="$started $pid"
is_victim() {
    call GET /api/v1/memory
    [ "$(field next_victim.pid)" = "$pid" ] && [ "$(field next_victim.memory_bytes)" -gt 16777216 ]
}
await 60 'the hungry one to hold most' is_victim
say "process $(field next_victim.pid), $(field next_victim.name), with $(($(field next_victim.memory_bytes) / 1024)) KiB"
end_processes "$pid"

step '4. What was done in the emergencies stands among the events.'
await 30 'the events' told '"emergency: terminate service example-stubborn"'
events '"kind":"emergency"' >"$work/events"
while read -r event; do
    printf '%s\n' "$event" | flatten >"$work/fields"
    say "$(field at)  $(field actor)  $(field message)"
done <"$work/events"

step '5. All programs.'
if [ "${1:-}" != --all ]; then
    say "left out, because it ends every program of this system: $name --all does it."
    exit 0
fi
call GET '/api/v1/services?state=running&limit=1000'
running=$(rows items name)
say "services that run, and are started again afterwards:" $running
start '{"program": "/bin/sh", "args": ["-c", "'"$stubborn"'"], "name": "stubborn"}'
emergency '{"scope": "all"}'
call GET "/api/v1/processes/$pid"
check 'the stubborn one is gone' "$(field exit.signal)" = SIGKILL
await 30 'the event' told '"emergency: terminate all programs"'
say "$(field at)  $(field actor)  $(field message)"
check 'the system is healthy' "$(curl -s -o "$work/health" -w '%{http_code}' "$URL/healthz")" -eq 200
