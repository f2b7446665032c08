# Pipelines of several processes, their statuses, substitutions, and background jobs that are waited for.
echo "b c a" | tr ' ' '\n' | sort | head -n 2
seq 1 1000 | grep 7 | wc -l
yes | head -n 3
echo "status of head: $?"
false | true
echo "status of a pipeline: $?"
(exit 5)
echo "status of a subshell: $?"
words=$(echo one; echo two)
echo "$words" | cat -n
seq 1 20000 | sort -rn | sed -n '1p;$p'
sleep 0.1 & 
first=$!
(sleep 0.05; exit 9) &
second=$!
wait $second
echo "waited: $?"
wait $first
echo "waited: $?"
cat <<END | tr a-z A-Z
a document, $((6 * 7))
END
printf '%s\n' x y z | while read -r line; do echo "line $line"; done
echo to stderr 2>&1 >/dev/null | cat
ls /no/such 2>/dev/null || echo "ls failed: $?"
