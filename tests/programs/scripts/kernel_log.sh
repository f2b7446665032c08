# linux: skip this host's log is another, and may be closed
# dmesg shows the kernel's log.
dmesg > seen 2>&1 || { echo "dmesg: status $?"; cat seen; exit 1; }
grep -q '\] [0-9]* CPUs run$' seen || { echo "no line says how many CPUs run:"; head seen; exit 1; }
test "$(dmesg | grep -c 'the admin server listens on port')" = 1 || { echo "no server"; exit 1; }
echo good
