# What the shell does by itself: variables, arithmetic, loops, functions, cases, its own errors.
greet() { echo "hello, $1"; }
greet world
n=0
while [ $n -lt 5 ]; do n=$((n + 1)); done
echo "counted to $n, $((n * n - 1))"
for word in a b 'c d'; do
    case $word in
        a) echo first ;;
        *' '*) echo "with a space: $word" ;;
        *) echo other ;;
    esac
done
text=path/to/file.tar.gz
echo "${text##*/} ${text%%.*} ${#text} ${missing:-nothing}"
set -- x y z
shift
echo "$# $*"
cd /no/such/folder || echo "status $?"
no-such-command
echo "status $?"
exit 7
