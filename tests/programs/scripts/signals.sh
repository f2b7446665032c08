# Traps, kill, and the statuses that signals leave.
trap 'echo "caught TERM"' TERM
kill -TERM $$
trap 'echo "at the end"' EXIT
sh -c 'kill -KILL $$'
echo "killed: $?"
# Whether the shell says "Terminated" depends on when it looks.
exec 2>/dev/null
sh -c 'kill -TERM $$'
echo "terminated: $?"
sleep 100 &
sleep 0.3
kill $!
wait $!
echo "sleeper: $?"
timeout 0.2 sleep 10
echo "timeout: $?"
sh -c 'ulimit -c 0; kill -ABRT $$'
echo "aborted: $?"
exit 3
