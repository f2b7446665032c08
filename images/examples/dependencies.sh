#!/bin/sh
. "$(dirname "$0")/lib.sh"
services=/api/v1/services
clean_up() { forget example-site example-index example-cache example-store; }

title 'Dependencies' <<'TEXT'
A service names the services that it needs, and what it needs starts first, each as soon as it can.
What can't work is refused before anything happens; what fails is explained down to its first cause.
TEXT

# document NAME VERSION SCRIPT MORE
document() {
    printf '{"name": "%s", "version": "%s", "program": "/bin/sh", "args": ["-c", "%s"],
             "enabled": false, "stop": {"grace_ms": 500}%s}' "$@"
}
forever='while true; do sleep 60; done'
warm_up="rm -f /tmp/example-store; sleep 1; touch /tmp/example-store; $forever"
check_store=', "health": {"kind": "command", "command": ["/bin/test", "-e", "/tmp/example-store"],
    "interval_ms": 200, "timeout_ms": 5000}'
need_store() {
    printf ', "dependencies": [{"service": "example-store", "version": "%s"}]' "$1"
}
need_both=', "dependencies": [{"service": "example-index"},
                              {"service": "example-cache", "required": false}]'
plan() { rows steps level action service reason | awk -F '\t' '{ print $1 + 1 ". " $2 " " $3 " - " $4 }' | table; }
# at SERVICE: its level in the plan
at() { rows steps service level | awk -F '\t' -v name="$1" '$1 == name { print $2 }'; }
state() { call GET "$services/$1"; field status.state; }

clean_up
step '1. The site needs the index, the index needs a store of version 1; a cache is optional.'
call POST $services "$(document example-store 1.2.0 "$warm_up" "$check_store")"
call POST $services "$(document example-cache 0.1.0 "$forever" '')"
call POST "$services/example-cache/enable?wait=true"
call POST $services "$(document example-index 1.0.0 "$forever" "$(need_store '>=1.0, <2')")"
call POST $services "$(document example-site 1.0.0 "$forever" "$need_both")"
say 'registered; the store takes a second until it is ready'

step '2. What starting the site would do, without doing it:'
call POST "$services/example-site/start?dry_run=true"
plan
check 'store and cache start at the same time' "$(at example-store)" -eq "$(at example-cache)"
check 'the index starts after the store' "$(at example-index)" -gt "$(at example-store)"
check 'the site starts last' "$(at example-site)" -gt "$(at example-index)"
check 'nothing has happened yet' "$(state example-site)" = disabled

step '3. It is started. The events tell in which order:'
listen
call POST "$services/example-site/start?wait=true"
check 'the operation succeeded' "$(field state)" = succeeded
await 30 'the last event' told 'example-site: starting -> running'
events '"service":"example-' >"$work/events"
while read -r event; do
    printf '%s\n' "$event" | flatten >"$work/fields"
    printf '%s\t%s\n' "$(field at)" "$(field message)"
done <"$work/events" >"$work/told"
awk -F '\t' '{ print $1 "  " $2 }' "$work/told" | table
line_of() { grep -n "$1" "$work/told" | head -n 1 | cut -d : -f 1; }
check 'the index was started when the store was ready' \
    "$(line_of 'example-store.*-> running')" -lt "$(line_of 'example-index.*-> running')"
check 'the site came after the index' \
    "$(line_of 'example-index.*-> running')" -lt "$(line_of 'example-site.*-> running')"

step '4. What can not work is refused, with the reason.'
say 'the store is to need the site, which leads back to it:'
refused 422 PUT $services/example-store "$(document example-store 1.2.0 "$warm_up" "$check_store"', "dependencies": [{"service": "example-site"}]')"
say 'the index is to need a version that nobody has:'
refused 409 PUT $services/example-index "$(document example-index 1.0.0 "$forever" "$(need_store '>=3')")"
say 'the store is to go while others need it:'
refused 409 DELETE $services/example-store

step '5. The store gets a document that does not work, and crashes.'
call PUT $services/example-store "$(document example-store 1.2.1 'echo no disk >&2; exit 3' ', "restart": {"policy": "never"}')"
call GET $services/example-store
call DELETE "/api/v1/processes/$(field status.instances.0.pid)?mode=force&wait=true"
await 30 'the site to fail with it' is $services/example-site status.state failed
call GET $services/example-site/explain
rows chain message | awk '{ print NR ". " $0 }' | table
check 'the first cause is the store' "$(rows chain service | tail -n 1)" = example-store
rows advice '' | sed 's/^/what to do: /' | table
check 'who needs nothing of it goes on' "$(state example-cache)" = running

step '6. The earlier document comes back; the others follow by themselves.'
call POST "$services/example-store/rollback?wait=true" '{"revision": 1}'
call POST "$services/example-store/start?wait=true"
for one in store index site; do
    await 60 "example-$one to run" is $services/example-$one status.state running
    say "example-$one is $(field status.state), version $(field version)"
done

step '7. The site can be without the cache.'
call POST "$services/example-cache/stop?wait=true"
check 'the cache is stopped' "$(state example-cache)" = stopped
check 'the site goes on' "$(state example-site)" = running

step '8. Stopping the store stops who needs it first. The plan, and then the deed:'
call POST "$services/example-store/stop?dry_run=true"
plan
check 'the site stops before the index' "$(at example-site)" -lt "$(at example-index)"
check 'the index stops before the store' "$(at example-index)" -lt "$(at example-store)"
call POST "$services/example-store/stop?wait=true"
check 'the operation succeeded' "$(field state)" = succeeded
check 'the site does not run' "$(state example-site)" = disabled
