#!/bin/sh
. "$(dirname "$0")/lib.sh"
started=
board=/api/v1/services/example-board
clean_up() {
    end_processes $started
    forget example-board
    for one in up 1 2 3 ''; do send DELETE "/api/v1/files/tmp/example-board/$one"; done
}

title 'Process and service coordination' <<'TEXT'
Processes and services find each other by name, wait for each other, and are held and let go from
outside. Three workers write results, a service shows them, a reader fetches them by its name.
TEXT

clean_up
port=8471
step '1. A service with two instances behind one port. It counts as started when both answer.'
serve='
mkdir -p /tmp/example-board; echo ok >/tmp/example-board/up
trap "echo reads its settings again" HUP
httpd -f -p '$port' -h /tmp/example-board &
while kill -0 $! 2>/dev/null; do wait $!; done'
call POST /api/v1/services '{
    "name": "example-board", "description": "Shows what workers wrote", "tags": ["board"],
    "program": "/bin/sh", "enabled": false, "instances": 2,
    "args": ["-c", '"$(json "$serve")"'],
    "port": {"listen": '$port', "strategy": "round_robin"}, "reload": {"signal": "SIGHUP"},
    "health": {"kind": "http", "path": "/up", "interval_ms": 500, "timeout_ms": 5000},
    "stop": {"grace_ms": 1000}}'
call POST "$board/start?wait=true"
check 'the operation succeeded' "$(field state)" = succeeded
call GET $board
check 'both instances are ready' "$(field status.ready_instances)" -eq 2

step '2. Others find it by a tag, and are given an instance of it.'
call GET '/api/v1/services?tag=board&state=running'
check 'a running service has the tag' "$(rows items name | grep -cx example-board)" -eq 1
resolve() {
    call GET $board/resolve
    say "instance $(field instance) is process $(field pid), reached at $(field address):$(field port)"
}
resolve
first=$(field instance)
resolve
check 'asked again, the other one is named' "$(field instance)" -ne "$first"

step '3. A reader waits for three results. Three workers stop themselves before they begin.'
read='
sum=0
for n in 1 2 3; do
    until page=$(wget -q -O - http://example-board.service:'$port'/$n 2>/dev/null); do sleep 0.2; done
    echo worker $n says $page
    sum=$((sum + page))
done
echo together $sum'
start '{"program": "/bin/sh", "name": "reader", "args": ["-c", '"$(json "$read")"']}'
reader=$pid started=$pid workers=
for n in 1 2 3; do
    work_out="kill -STOP \$\$; echo $((n * n)) >/tmp/example-$n; mv /tmp/example-$n /tmp/example-board/$n"
    start '{"program": "/bin/sh", "name": "worker", "args": ["-c", '"$(json "$work_out")"']}'
    workers="$workers $pid" started="$started $pid"
    await 30 'a worker to stop' is "/api/v1/processes/$pid" state suspended
    say "worker $n is process $pid, state $(field state)"
done
call GET "/api/v1/processes/$reader"
check 'the reader has not ended' "$(field exit)" = null

step '4. SIGCONT lets the workers go; each ends when its result is there, and the reader after them.'
for one in $workers; do call POST "/api/v1/processes/$one/signals" '{"signal": "SIGCONT"}'; done
for one in $workers $reader; do
    await 60 "process $one to end well" is "/api/v1/processes/$one" exit.code 0
done
call GET "/api/v1/processes/$reader/output"
say "$(field text)"
check 'the reader has all three results' "$(field text | grep -c 'together 14')" -eq 1

step '5. While the service is paused, whoever asks it waits; when it goes on, it answers.'
call POST "$board/pause?wait=true"
call GET $board
check 'the service is paused' "$(field status.state)" = paused
start '{"program": "/bin/wget", "name": "asks", "args":
    ["-q", "-O", "-", "http://example-board.service:'$port'/3"]}'
asks=$pid started="$started $pid"
await 30 'it to wait for an answer' is "/api/v1/processes/$asks" state blocked
say "process $asks is $(field state): $(field state_detail)"
call POST "$board/resume?wait=true"
await 30 'its answer' is "/api/v1/processes/$asks" exit.code 0
call GET "/api/v1/processes/$asks/output"
check 'it got the result of the third worker' "$(field text)" -eq 9

step '6. A reload reaches every instance, without a restart.'
call POST "$board/reload?wait=true"
have_read() {
    call GET "$board/output?search=settings"
    [ "$(field total)" -eq 2 ]
}
await 30 'both to read their settings' have_read
rows items at instance text | awk -F '\t' '{ print $1 "  instance " $2 "  " $3 }' | table
call GET $board
check 'nothing was restarted' "$(field status.restarts)" -eq 0
