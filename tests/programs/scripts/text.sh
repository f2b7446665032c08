# Programs that work on text.
seq 1 10 | awk '{ sum += $1; list[$1 % 3]++ } END { print sum, list[0], list[1], list[2] }'
printf 'b 2\na 1\nc 3\n' | sort | awk '{ printf "%s=%d;", $1, $2 } END { print "" }'
echo "the quick brown fox" | sed -e 's/quick/slow/' -e 's/\(brown\) \(fox\)/\2 \1/'
printf 'a,b,c\n1,2,3\n' | cut -d , -f 2
printf 'x\nx\ny\n' | uniq -c
printf 'one\ntwo\n' > l; printf 'one\n2\n' > r
diff l r
echo "status $?"
expr 6 \* 7
printf '%05.1f|%-5s|%x\n' 3.14159 ab 255
echo abc | rev
echo hello | od -c | head -n 1
echo hello | base64
seq 1 3 | xargs echo
seq 1 6 | xargs -n 2 echo pair
date -u -d @0 '+%Y-%m-%d %H:%M:%S'
basename /a/b/c.txt .txt
dirname /a/b/c.txt
echo 'a b' | tr -d ' '
factor 360
bc <<END
2^64
END
dd if=/dev/zero bs=1000 count=3 2>/dev/null | wc -c
sha256sum < /dev/null
