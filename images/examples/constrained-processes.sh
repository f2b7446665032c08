#!/bin/sh
. "$(dirname "$0")/lib.sh"
started= limited=
clean_up() {
    end_processes $started
    forget example-crowd
    # Those that the user 4711 was allowed to make.
    send GET '/api/v1/processes?user=4711'
    end_processes $(rows items pid)
}

title 'Constrained processes' <<'TEXT'
What a process may use is limited, and each limit is enforced in its own way: the process ends, its call
fails, or it waits. Every time is counted with the process, and told as an event.
TEXT

# limited LIMITS SCRIPT [MORE]: a shell with limits; its number is left in $pid.
limited() {
    start '{"program": "/bin/sh", "name": "example", "args": ["-c", "'"$2"'"], "limits": {'"$1"'}'"${3:-}"'}'
    started="$started $pid" limited="$limited $pid"
}
has_ended() { call GET "/api/v1/processes/$pid"; [ "$(field state)" = defunct ]; }
ends() { await 60 'the end of the process' has_ended; }
# What it said at last; the process itself is read again.
said() {
    call GET "/api/v1/processes/$pid/output"
    last=$(field text)
    call GET "/api/v1/processes/$pid"
    say "it wrote: $last"
}

clean_up
listen
step '1. Memory: 4 MiB. Who goes beyond it is ended.'
limited '"memory_bytes": 4194304' 'x=0123456789abcdef; while true; do x=$x$x; done'
ends
say "it had $(($(field usage.memory.peak_bytes) / 1024)) KiB at most"
check 'it ended by SIGKILL' "$(field exit.signal)" = SIGKILL
check 'it never had more than it may' "$(field usage.memory.peak_bytes)" -le 4194304
check 'the limit was met' "$(field limits_met.memory_bytes)" -ge 1

step '2. Stack: 64 KiB. Recursion without an end is a segmentation fault.'
limited '"stack_bytes": 65536' 'f() { f; }; f'
ends
check 'it ended by SIGSEGV' "$(field exit.signal)" = SIGSEGV
check 'the limit was met' "$(field limits_met.stack_bytes)" -ge 1

step '3. Open files: 5. The next open fails.'
limited '"open_files": 5' 'exec 3</dev/null 4</dev/null 5</dev/null; echo not here'
ends
said
check 'the limit was met' "$(field limits_met.open_files)" -ge 1

step '4. Processes: 3 of its user. The next fork fails.'
limited '"processes": 3' 'for i in 1 2 3 4; do sleep 100004 & done; wait' ', "user": "4711"'
ends
said
check 'the limit was met' "$(field limits_met.processes)" -ge 1

step '5. New processes: 2 a second. More are refused.'
limited '"processes_per_second": 2' 'for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done'
ends
said
check 'the limit was met' "$(field limits_met.processes_per_second)" -ge 1

step '6. CPU time: 300 ms in all. Then it is ended.'
limited '"cpu_time_ns": 300000000' 'while true; do :; done'
ends
say "it has used $(($(field usage.cpu.total_ns) / 1000000)) ms"
check 'it ended by SIGKILL' "$(field exit.signal)" = SIGKILL
check 'the limit was met' "$(field limits_met.cpu_time_ns)" -eq 1

step '7. CPU share: 20 % of one CPU. It waits until the next period of 100 ms.'
limited '"cpu_percent": 20' 'while true; do :; done'
now() { call GET /api/v1/system; uptime=$(($(field uptime_ns) / 1000000)); }
used() { call GET "/api/v1/processes/$pid"; used=$(($(field usage.cpu.total_ns) / 1000000)); }
now; from=$uptime
used; before=$used
has_passed() { now; [ "$uptime" -ge $((from + $1)) ]; }
await 60 'three seconds' has_passed 3000
used; now
share=$(((used - before) * 100 / (uptime - from)))
say "it has used $((used - before)) ms in $((uptime - from)) ms: $share %"
# What it may have saved up is one period's worth.
check 'it got no more than its share' $((used - before)) -le $(((uptime - from) / 5 + 100))
call GET "/api/v1/processes/$pid"
check 'the limit was met' "$(field limits_met.cpu_percent)" -ge 1
call PATCH "/api/v1/processes/$pid" '{"limits": {"cpu_percent": null}}'
used; before=$used; now; from=$uptime
await 60 'two more seconds' has_passed 2000
used
say "without the limit: $((used - before)) ms in $((uptime - from)) ms"
end_processes "$pid"

step '8. Bytes: 1 MB a second. Its calls wait.'
limited '"write_bytes_per_second": 1000000' 'dd if=/dev/zero of=/dev/null bs=4k'
moved() { call GET "/api/v1/processes/$pid"; moved=$(field usage.io.written_bytes); }
now; from=$uptime
moved; before=$moved
await 60 'three seconds' has_passed 3000
moved; now
say "it has written $(((moved - before) / 1024)) KiB in $((uptime - from)) ms"
# A tenth of a second's worth may go at once.
check 'no more than it may' $((moved - before)) -le $(((uptime - from) * 1000 + 200000))
call GET "/api/v1/processes/$pid"
check 'the limit was met' "$(field limits_met.write_bytes_per_second)" -ge 1
end_processes "$pid"

step '9. A service: 3 processes for all that it starts together.'
call POST /api/v1/services '{"name": "example-crowd", "program": "/bin/sh", "enabled": false,
    "args": ["-c", "for i in 1 2 3 4 5; do sleep 100005 & done; wait"],
    "limits": {"processes": 3}, "restart": {"policy": "never"}, "stop": {"grace_ms": 500}}'
call POST '/api/v1/services/example-crowd/start'
await 30 'it to fail' is /api/v1/services/example-crowd status.state failed
call GET '/api/v1/services/example-crowd/output?limit=5'
rows items text | table
check 'a fork was refused' "$(rows items text | grep -ci 'fork')" -ge 1

step '10. A sandbox: /bin is all that it sees, and there is no network.'
start '{"program": "/busybox", "args": ["wget", "-q", "-O", "-", "http://127.0.0.1/"], "name": "example",
    "sandbox": {"root": "/bin", "network": "none"}}'
started="$started $pid"
ends
said
check 'it did not succeed' "$(field exit.code)" -ne 0
await 30 'the event about it' told '"sandbox_violation","pid":'"$pid,"
say "$(field at)  $(field message)"

step 'The limits that were met, as events:'
for one in $limited; do
    await 30 "the event about process $one" told "\"limit_exceeded\",\"pid\":$one,"
    say "$(field at)  process $one: $(field message)"
done
check 'each of the eight limits was told' "$(echo $limited | wc -w)" -eq 8
