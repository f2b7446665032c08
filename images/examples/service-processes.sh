#!/bin/sh
. "$(dirname "$0")/lib.sh"
clean_up() { forget example-team; }

title 'Service processes' <<'TEXT'
Every process that a service starts belongs to it, whatever it forks and however it hides: the
service's figures are theirs, a restart leaves none of them behind, and stopping it ends them all.
TEXT

clean_up
step '1. A service is registered. It starts two helpers, one of them in a session of its own.'
call POST '/api/v1/services?wait=true' '{
    "name": "example-team", "description": "A leader and two helpers", "tags": ["example"],
    "program": "/bin/sh",
    "args": ["-c", "sleep 100001 & setsid sleep 100002 & echo team of three; wait"],
    "restart": {"policy": "always", "delay_ms": 50}, "stop": {"grace_ms": 1000}, "enabled": false}'
say "registered; $(call GET /api/v1/services/example-team; field status.state)"
call POST '/api/v1/services/example-team/start?wait=true'
is_complete() { is /api/v1/services/example-team status.usage.processes 3; }
await 30 'the three processes' is_complete

members() { call GET '/api/v1/processes?service=example-team'; }
show() {
    members
    rows items pid parent_pid name state state_detail |
        awk -F '\t' 'BEGIN { printf "%6s %6s  %-8s %-8s %s\n", "pid", "parent", "name", "state", "waits for" }
            { printf "%6s %6s  %-8s %-8s %s\n", $1, $2, $3, $4, $5 }' | table
}
step '2. These processes belong to it:'
show
check 'the service has three processes' "$(field total)" -eq 3
before=$(rows items pid | sort)
call GET /api/v1/services/example-team
leader=$(field status.instances.0.pid)
say "the main one is $leader; together they use $(($(field status.usage.memory_bytes) / 1024)) KiB"

step '3. The main process is killed, as a crash would do it.'
call DELETE "/api/v1/processes/$leader?mode=force&wait=true"
is_replaced() {
    call GET /api/v1/services/example-team
    [ "$(field status.restarts)" -ge 1 ] && [ "$(field status.usage.processes)" = 3 ]
}
await 30 'the service to be whole again' is_replaced
check 'it was restarted once' "$(field status.restarts)" -eq 1
check 'its last end is remembered as SIGKILL' "$(field status.last_exit.signal)" = SIGKILL
show
check 'no helper of the old run is left' \
    "$( (echo "$before"; rows items pid) | sort | uniq -d | wc -l)" -eq 0

step '4. What they wrote is kept, line by line.'
have_said() {
    call GET '/api/v1/services/example-team/output?limit=100'
    [ "$(rows items text | grep -c 'team of three')" -eq 2 ]
}
await 30 'both runs to say hello' have_said
rows items at stream text | awk -F '\t' '{ printf "%s  %-7s  %s\n", $1, $2, $3 }' | table

step '5. The service is stopped: SIGTERM first, SIGKILL for those that are left after the grace.'
call POST '/api/v1/services/example-team/stop?wait=true'
check 'the operation succeeded' "$(field state)" = succeeded
members
check 'none of its processes is left' "$(field total)" -eq 0
