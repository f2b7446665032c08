#!/bin/sh
. "$(dirname "$0")/lib.sh"
started=
clean_up() { end_processes $started; }

title 'Performance monitoring' <<'TEXT'
What the machine does with its time and memory, measured by the kernel: CPU by CPU, by kind of use, and
as counters that a monitoring system can scrape. Load is made, and has to be seen where it was made.
TEXT

cpus() {
    call GET '/api/v1/cpus?limit=1000'
    rows items id state busy_percent run_queue_length context_switches interrupts ipis.sent |
        awk -F '\t' 'BEGIN { printf "%4s %-8s %7s %6s %10s %10s %8s\n", "cpu", "state", "busy %", "queue", "switches", "interrupts", "ipis" }
            { printf "%4s %-8s %7s %6s %10s %10s %8s\n", $1, $2, $3, $4, $5, $6, $7 }' | table
}
spin() {
    start '{"program": "/bin/sh", "args": ["-c", "while true; do :; done"], "name": "'"$1"'", "affinity": [0], "nice": '"$2"'}'
    started="$started $pid"
}
cpu_ms() { call GET "/api/v1/processes/$1"; echo $(($(field usage.cpu.total_ns) / 1000000)); }

step '1. The machine as it is.'
cpus
call GET /api/v1/memory
for use in kernel_image kernel_heap kernel_stacks page_tables user files; do
    printf '%-14s %8s KiB\n' "$use" $(($(field "by_use.${use}_bytes") / 1024))
done | table
say "free: $(($(field free_bytes) / 1024)) of $(($(field total_bytes) / 1024)) KiB"

step '2. Two programs that compute share CPU 0; one is five steps nicer, its weight a third.'
spin eager 0
eager=$pid
spin nice 5
nice=$pid
is_busy() { call GET /api/v1/cpus/0; busy=$(field busy_percent); [ "${busy%.*}" -ge 80 ]; }
await 60 'CPU 0 to be busy' is_busy
eager_before=$(cpu_ms "$eager") nice_before=$(cpu_ms "$nice")
have_run() { [ $(($(cpu_ms "$eager") - eager_before + $(cpu_ms "$nice") - nice_before)) -ge 2000 ]; }
await 120 'two seconds of CPU time' have_run
eager_ms=$(($(cpu_ms "$eager") - eager_before)) nice_ms=$(($(cpu_ms "$nice") - nice_before))
cpus
say "eager has used $eager_ms ms, nice $nice_ms ms: 100 to $((nice_ms * 100 / eager_ms)); by their weights 100 to 33"
check 'the nicer one got at least a fifth' $((nice_ms * 5)) -ge "$eager_ms"
check 'and at most a half' $((nice_ms * 2)) -le "$eager_ms"
call GET /api/v1/system
say "load: $(field load.one_minute) $(field load.five_minutes) $(field load.fifteen_minutes)"
end_processes $started
started=

step '3. How long the API takes for an answer, over twenty requests on one connection.'
requests() { call GET /api/v1/network; field http.requests; }
before=$(requests)
: >"$work/times"
set --
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    set -- "$@" -o /dev/null "$URL/api/v1/system"
done
curl -sS -H "@$work/token" -w '%{time_total}\n' "$@" | sort -n >"$work/times"
check 'all of them were answered' "$(wc -l <"$work/times")" -eq 20
after=$(requests)
say "fastest $(sed -n 1p "$work/times") s, median $(sed -n 10p "$work/times") s, slowest $(sed -n 20p "$work/times") s"
check 'the kernel has counted them' $((after - before)) -ge 20

step '4. The counters at /metrics, twice, and what happened in between.'
text /metrics >"$work/first"
starts=
for i in 1 2 3 4 5; do start '{"program": "/bin/true"}'; starts="$starts $pid"; done
for one in $starts; do await 30 'a program to end' is "/api/v1/processes/$one" exit.code 0; done
text /metrics >"$work/second"
metric() { awk -v name="$2" '{ split($1, word, "{") } word[1] == name { sum += $2 } END { printf "%.3f\n", sum }' "$1"; }
seconds=$(awk -v a="$(metric "$work/first" multios_uptime_seconds)" \
    -v b="$(metric "$work/second" multios_uptime_seconds)" 'BEGIN { printf "%.3f", b - a }')
say "in $seconds seconds:"
for one in cpu_context_switches cpu_interrupts cpu_ipis_sent cpu_tlb_shootdowns http_requests heap_allocations; do
    awk -v name="$one" -v a="$(metric "$work/first" "multios_${one}_total")" \
        -v b="$(metric "$work/second" "multios_${one}_total")" -v seconds="$seconds" \
        'BEGIN { printf "%-22s %10d   %12.1f a second\n", name, b - a, (b - a) / seconds }' | table
done
grew() {
    awk -v a="$(metric "$work/first" "$1")" -v b="$(metric "$work/second" "$1")" 'BEGIN { print (b > a) }'
}
check 'CPUs have switched between threads' "$(grew multios_cpu_context_switches_total)" -eq 1
check 'requests were counted' "$(grew multios_http_requests_total)" -eq 1
check 'the scrape is complete' "$(tail -n 1 "$work/second")" = '# EOF'
