# httpd serves files, wget fetches them, and netstat sees who listens.
mkdir www && seq 1 20000 > www/numbers && echo front > www/index.html && mkdir www/cgi-bin
printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho "$REQUEST_METHOD $QUERY_STRING"\ncat\n' > www/cgi-bin/echo
sed -i "1s,.*,#!$(which sh)," www/cgi-bin/echo
chmod +x www/cgi-bin/echo
# A port that nobody has: those of other tests are others.
port=$((20000 + $$ % 20000))
until busybox httpd -p 127.0.0.1:$port -h www 2>/dev/null; do port=$((port + 7)); done
wget -q -O - http://127.0.0.1:$port/
wget -q -O numbers http://127.0.0.1:$port/numbers && cmp numbers www/numbers && echo same
wget -q -O /dev/null http://127.0.0.1:$port/none 2>&1 | sed 's/127.*//'
echo "status $?"
wget -q -O - "http://127.0.0.1:$port/cgi-bin/echo?a=b"
wget -q -O - --post-data 'the body' "http://127.0.0.1:$port/cgi-bin/echo" && echo
netstat -ltn | awk -v at=127.0.0.1:$port '$4 == at { print $1, $5, $6 }'
# Several at once, each whole.
for n in 1 2 3 4 5 6 7 8; do
    wget -q -O got.$n http://127.0.0.1:$port/numbers &
done
wait
for n in 1 2 3 4 5 6 7 8; do cmp got.$n www/numbers || echo "$n differs"; done
server=$(ps -o pid,args | awk -v at=127.0.0.1:$port '$2 ~ /busybox$/ && $5 == at { print $1 }')
kill $server
until ! netstat -ltn | grep -q ":$port "; do usleep 10000; done
wget -q -O - http://127.0.0.1:$port/ 2>&1 | sed 's/(.*)//'
# Its input does not end: what says so to the other side may be there before there is anything to say.
mkfifo open && nc -l -p $((port + 1)) <> open > heard &
listener=$!
until netstat -ltn | grep -q ":$((port + 1)) "; do usleep 10000; done
echo "by netcat" | nc 127.0.0.1 $((port + 1))
wait $listener
cat heard
