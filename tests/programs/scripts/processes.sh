# What ps, top, renice, time and /proc say of a process of this script's own.
mkdir own && ln -s $(readlink -f $(which busybox)) own/sleep
own/sleep 1000 &
child=$!
# The child is the shell's copy until it has executed the program.
until tr '\0' ' ' < /proc/$child/cmdline | grep -q '^own/sleep 1000'; do usleep 1000; done
ps -o pid,ppid,pgid,sid,comm,args | awk -v child=$child -v parent=$$ '
    $1 == child { print ($2 == parent), ($3 != 0), ($4 != 0), $5, $6, $7 }'
ps -o pid,stat,nice,user,vsz,rss,tty | awk -v child=$child '
    $1 == child { print NF, $(NF - 1) != "" }'
readlink /proc/$child/exe | sed 's,.*/,,'
readlink /proc/$child/cwd | sed 's,.*/scripts-,scripts-,'
awk '{ print NF, $3, $4 == '$$' }' /proc/$child/stat
awk '/^(Name|State|PPid|Threads|Uid):/ { if ($1 == "PPid:") $2 = $2 == '$$'; print $1, $2 }' /proc/$child/status
grep -c . /proc/$child/maps | awk '{ print ($1 > 3) }'
grep -o '\[stack\]' /proc/$child/maps
top -b -n 1 | sed -n '1s/[0-9][0-9]*K/nK/gp; 2s/[0-9.][0-9.]*%/n%/gp; 4p' | tr -s ' '
top -b -n 1 | awk -v child=$child '$1 == child { print $2 == '$$', $NF, $(NF - 1) }'
before=$(awk '{ print $19 }' /proc/$child/stat)
renice -n 5 -p $child
awk '{ print $19 - '$before' }' /proc/$child/stat
ps -o pid,nice | awk -v child=$child '$1 == child { print $2 - '$before' }'
kill -STOP $child
until grep -q '^State:.T' /proc/$child/status; do usleep 1000; done
ps -o pid,stat | awk -v child=$child '$1 == child { print substr($2, 1, 1) }'
kill -CONT $child
kill $child
wait $child 2>/dev/null
echo "ended: $?"
ls -d /proc/$child 2>/dev/null
time -p true 2>&1 | awk '{ print $1, ($2 < 5) }'
(ulimit -n 20; ulimit -n; exec 19< /dev/null && echo 19; exec 20< /dev/null) 2>&1 | sed 's/^script.sh: //'
