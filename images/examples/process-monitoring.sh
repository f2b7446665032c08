#!/bin/sh
. "$(dirname "$0")/lib.sh"
started=
clean_up() { end_processes $started; }

title 'Process monitoring' <<'TEXT'
What a process is doing is measured by the kernel where it happens and read from one place. Three
programs are started, one that computes, one that sleeps, one that writes, and watched until they end.
TEXT

listen
step '1. Three programs are started.'
start '{"program": "/bin/sh", "args": ["-c", "while :; do :; done"], "name": "computes"}'
computes=$pid started="$started $pid"
start '{"program": "/bin/sleep", "args": ["100003"], "name": "sleeps"}'
sleeps=$pid started="$started $pid"
start '{"program": "/bin/dd", "args": ["if=/dev/zero", "of=/dev/null", "bs=4k"], "name": "writes",
        "limits": {"write_bytes_per_second": 1000000}}'
writes=$pid started="$started $pid"
say "computes is $computes, sleeps is $sleeps, writes is $writes"

# look PID: its figures are left in variables.
look() {
    call GET "/api/v1/processes/$1"
    state=$(field state) detail=$(field state_detail)
    cpu=$(($(field usage.cpu.total_ns) / 1000000)) written=$(field usage.io.written_bytes)
}
line() { printf '%-9s %-9s %-11s %9s %9s %11s %9s %9s %7s\n' "$@" | table; }
show() {
    line name state waits-for cpu-ms kib written voluntary forced files
    for one in $computes $sleeps $writes; do
        look "$one"
        line "$(field name)" "$state" "$detail" "$cpu" \
            $(($(field usage.memory.current_bytes) / 1024)) "$written" \
            "$(field usage.context_switches.voluntary)" \
            "$(field usage.context_switches.involuntary)" "$(field usage.open_files)"
    done
}

step '2. Their figures, twice:'
show
look "$computes"; cpu_before=$cpu
look "$sleeps"; sleep_before=$cpu
look "$writes"; written_before=$written
has_computed() { look "$computes"; [ "$cpu" -gt $((cpu_before + 500)) ]; }
has_moved() { look "$writes"; [ "$written" -gt $((written_before + 500000)) ]; }
await 60 'half a second of CPU time' has_computed
await 60 'half a million bytes' has_moved
say
show
look "$computes"
check 'the one that computes has used CPU time' "$cpu" -gt $((cpu_before + 500))
look "$sleeps"
check 'the one that sleeps has used almost none' "$cpu" -le $((sleep_before + 50))
check 'and it is blocked' "$state" = blocked
look "$writes"
check 'the one that writes has moved bytes' "$written" -gt $((written_before + 500000))

step '3. Who uses most of the CPUs is a question of how the list is sorted.'
leads() {
    call GET '/api/v1/processes?sort=-cpu_percent&limit=3'
    [ "$(field items.0.pid)" = "$computes" ]
}
await 60 'it to lead the list' leads
rows items pid name usage.cpu.percent | awk -F '\t' '{ printf "%6s  %-10s %6s %%\n", $1, $2, $3 }' | table
check 'the one that computes comes first' "$(field items.0.pid)" = "$computes"

step '4. Signals are counted: SIGCONT wakes the sleeper for nothing, SIGTERM ends it.'
call POST "/api/v1/processes/$sleeps/signals" '{"signal": "SIGCONT"}'
call POST "/api/v1/processes/$sleeps/signals" '{"signal": "SIGTERM"}'
has_ended() { look "$sleeps"; [ "$state" = defunct ]; }
await 30 'its end' has_ended
check 'it has got two signals' "$(field usage.signals.received)" -eq 2
check 'it ended by SIGTERM' "$(field exit.signal)" = SIGTERM
say "from $(field started_at) to $(field ended_at)"

step '5. Who has ended is remembered, and was told to whoever listens to the events.'
call GET "/api/v1/processes?state=defunct&name=sleeps&limit=5"
check 'it is among the processes that have ended' "$(rows items pid | grep -cx "$sleeps")" -eq 1
was_told() { told "\"process_exited\",\"pid\":$sleeps,"; }
await 30 'the event' was_told
check 'there is an event about it' "$(field kind)" = process_exited
say "$(field at)  $(field message)"
