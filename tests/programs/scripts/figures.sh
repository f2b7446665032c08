# The shapes of what free, uptime, df, mount, uname, date and the files behind them say; the figures
# differ from machine to machine.
free | tr -s ' ' | sed 's/[0-9][0-9]*/n/g' | head -n 2
free | awk '/^Mem:/ { print ($2 >= $3 + $4), ($2 > 10000) }'
uptime | sed 's/up .*,  load/up,  load/; s/[0-9][0-9]*/n/g'
awk '{ print NF, ($1 > 0) }' /proc/uptime
awk '{ print NF, $4 ~ "^[0-9]+/[0-9]+$" }' /proc/loadavg
df -k . | awk 'NR == 1 { print } NR == 2 { print NF, ($2 >= $3 + $4), $5 ~ "%$" }'
df -k /proc | awk 'NR == 2 { print NF, $2, $6 }'
mount | grep -c ' on /proc type proc '
mount | awk '$3 == "/" { print NF, $2, $4 }' | sort -u | tail -n 1
awk '$2 == "/proc" { print $1, $3, NF }' /proc/mounts | head -n 1
uname -s -m
test "$(uname -r)" = "$(cat /proc/sys/kernel/osrelease)" && echo release
hostname | wc -l
nproc | awk '{ print ($1 > 0) }'
awk '/^processor/ { count++ } END { print (count > 0) }' /proc/cpuinfo
grep -c '^MemTotal:' /proc/meminfo
awk '/^(cpu|btime|processes|ctxt)/ { print $1 }' /proc/stat | sed '/cpu[0-9]/d'
id -u | grep -c '^[0-9]*$'
date -u +%Y | awk '{ print ($1 > 2000) }'
sync && echo synced
stat -f -c %T /proc
