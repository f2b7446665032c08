# linux: skip this host's network is another
# The guest's network as busybox's programs see and describe it; each line is checked here.
run() { "$@" > seen 2>&1 || { echo "$*: status $?"; cat seen; exit 1; }; }
expect() { grep -q "$1" seen || { echo "no $1 in:"; cat seen; exit 1; }; }
run ifconfig
expect '^eth0 .*HWaddr 52:54:00:'
expect 'inet addr:10.0.2.15 .*Mask:255.255.255.0'
expect 'UP .*RUNNING'
expect '^lo '
expect 'inet addr:127.0.0.1'
run ifconfig eth0
expect 'RX packets:[1-9]'
expect 'TX packets:[1-9]'
run route -n
expect '^0.0.0.0  *10.0.2.2  *0.0.0.0  *UG .*eth0'
expect '^10.0.2.0  *0.0.0.0  *255.255.255.0  *U .*eth0'
run ip addr
expect 'inet 10.0.2.15/24'
run ip route
expect 'default via 10.0.2.2 dev eth0'
run netstat -ltn
expect ':80 .*LISTEN'
run netstat -rn
expect '^0.0.0.0 '
nc -l -p 7777 &
until netstat -ltn | grep -q ':7777 '; do :; done
# Who listens there is found by the number of the socket, as lsof does.
number=$(awk '$2 ~ /:1E61$/ { print $10 }' /proc/net/tcp /proc/net/tcp6)
run ls -l /proc/$!/fd
expect "socket:\[$number\]"
kill $!
run netstat -x
expect 'DGRAM .* @multios/notify'
run ping -c 2 -W 10 127.0.0.1
expect '2 packets transmitted, 2 packets received, 0% packet loss'
run ping -c 1 -W 10 10.0.2.2
expect '1 packets received'
run ping6 -c 2 -W 10 ::1
expect '2 packets transmitted, 2 packets received, 0% packet loss'
run mount
expect ' on /proc type proc '
run fdisk -l
run lsmod
run df
expect '^Filesystem'
echo good
