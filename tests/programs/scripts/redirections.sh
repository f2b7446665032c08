# Descriptors: written, appended, doubled, closed, and passed on to other programs.
echo written > file
echo appended >> file
cat file
read -r line < file
echo "$line"
exec 3> other
echo "through three" >&3
exec 3>&-
cat other
{ echo out; echo err >&2; } > both 2>&1
cat both
cat < file > copy
cmp file copy && echo same
echo lost >&7
echo "status $?"
set -C
echo again > file
echo "status $?"
: > empty
wc -c < empty
